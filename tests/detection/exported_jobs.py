"""Job folders of small detectors with weights that find something."""

import json
import pathlib

import numpy as np
import tensorflow as tf
from official.core import task_factory, train_utils

from detection.experiments import read_experiment
from tests.detection.models import cells_of_one_block

CATEGORIES = [{"id": n, "name": f"thing {n}"} for n in (1, 2, 3)]
# One step brings the moving statistics to what the network sees.
MOMENTUM = ",task.model.norm_activation.norm_momentum=0.01"
SIZES = ((64, 64), (90, 50), (40, 100))


def make_job(folder, experiment, overrides, genotype=None):
    """Writes params.yaml, categories.json and a checkpoint as Orbit does.

    Args:
        genotype: by name; None: cells of one block.

    Returns:
        The folder.
    """
    folder, step = pathlib.Path(folder), 400
    folder.mkdir(exist_ok=True)
    cells = f",task.model.backbone.nasnet.genotype={genotype}"
    if genotype is None:
        cells = cells_of_one_block(folder, "separable_conv_3x3")
    params = read_experiment(experiment, (), overrides + MOMENTUM + cells)
    model = task_factory.get_task(params.task).build_model()
    randomize(model, params.task.model.input_size[0])
    # As Model Garden's trainer: its parts, too, by which variables are named.
    checkpoint = tf.train.Checkpoint(
        model=model,
        global_step=tf.Variable(step, dtype=tf.int64),
        **model.checkpoint_items,
    )
    manager = tf.train.CheckpointManager(checkpoint, str(folder), 3)
    manager.save(checkpoint_number=step)
    train_utils.serialize_config(params, str(folder))
    (folder / "categories.json").write_text(json.dumps(CATEGORIES))
    return folder


def randomize(model, size):
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        fan_in = np.prod(variable.shape[:-1])
        name, value = variable.name, None
        if "kernel" not in name:
            continue
        if any(part in name for part in ("logits", "scores", "classnet")):
            value = generator.normal(0, 2 * fan_in**-0.5, variable.shape)
        elif any(part in name for part in ("box", "-boxes")):
            value = generator.normal(0, 0.3 * fan_in**-0.5, variable.shape)
        if value is not None:
            variable.assign(value.astype("float32"))
    noise = generator.normal(size=(4, 8, 8, 3)).astype("float32")
    images = tf.image.resize(noise, [size, size])
    features = model.backbone(images, training=True)
    if model.decoder:
        features = model.decoder(features, training=True)
    if hasattr(model, "head"):
        model.head(features, training=True)
        return
    model.rpn_head(features, training=True)
    corners = generator.uniform(0, size / 2, (4, 20, 2))
    sides = generator.uniform(size / 8, size / 2, (4, 20, 2))
    regions = np.concatenate([corners, corners + sides], axis=-1)
    crops = model.roi_aligner(features, tf.constant(regions, tf.float32))
    model.detection_head[0](crops, training=True)


def photos(seed=0):
    """Smooth images of several sizes, uint8."""
    generator = np.random.default_rng(seed)
    images = []
    for size in SIZES:
        noise = generator.integers(0, 256, (6, 6, 3)).astype("float32")
        image = tf.image.resize(noise, size, method="bicubic")
        images.append(np.clip(np.rint(image), 0, 255).astype("uint8"))
    return images
