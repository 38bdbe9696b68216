"""Small detectors that several tests share."""

import numpy as np
import tensorflow as tf
import tf_keras
from official.core import task_factory
from official.vision.configs import common

from detection.experiments import read_experiment
from detection.modeling.backbone import NASNetConfig, network_arguments
from tests.training.jobs import one_block_genotype

SMALL = (
    "task.model.input_size=[64,64,3],task.model.num_classes=4,"
    "task.model.backbone.nasnet.preset=null,"
    "task.model.backbone.nasnet.genotype=NASNET_A,"
    "task.model.backbone.nasnet.num_cells=1,"
    "task.model.backbone.nasnet.penultimate_filters=192,"
    "task.model.norm_activation.use_sync_bn=false"
)
# Of Faster R-CNN.
REGIONS = (
    ",task.model.rpn_head.num_filters=8,"
    "task.model.roi_generator.test_num_proposals=7,"
    "task.model.roi_generator.num_proposals=7,"
    "task.model.roi_sampler.num_sampled_rois=6"
)
# Of a feature pyramid.
LEVELS = (
    ",task.model.min_level=3,task.model.max_level=4,"
    "task.model.backbone.nasnet.min_level=3,"
    "task.model.backbone.nasnet.max_level=4,"
    "task.model.decoder.fpn.num_filters=8"
)
FPN = (
    SMALL
    + REGIONS
    + LEVELS
    + (
        ",task.model.detection_head.num_filters=8,"
        "task.model.detection_head.num_convs=1,"
        "task.model.detection_head.fc_dims=8"
    )
)
RETINANET = (
    SMALL
    + LEVELS
    + ",task.model.head.num_filters=8,task.model.head.num_convs=1"
)
PAPER = (
    SMALL
    + REGIONS
    + (
        ",task.model.anchor.sizes=[8.0,16.0,32.0,64.0],task.model.regions_at_once=3"
    )
)


def cells_of_one_block(folder, *operation) -> str:
    """An override; the cells are written into the folder."""
    genotype = one_block_genotype(folder, *operation)
    return f",task.model.backbone.nasnet.genotype={genotype}"


def build(experiment, overrides, task_overrides=""):
    """The task and its model."""
    params = read_experiment(experiment, (), overrides + task_overrides)
    task = task_factory.get_task(params.task)
    return task, task.build_model()


def fpn(extra=""):
    return build("fasterrcnn_nasnet_mobile_fpn_coco", FPN, extra)


def paper(extra=""):
    return build("fasterrcnn_nasnet_mobile_coco", PAPER, extra)


def backbone_config(**changes):
    values = {
        "preset": None,
        "genotype": "NASNET_A",
        "num_cells": 1,
        "penultimate_filters": 192,
        "min_level": 2,
        "max_level": 5,
    }
    return NASNetConfig(**(values | changes))


def arguments(**changes):
    """Of `nasnet_tf.NASNet`, for 64x64 images."""
    norm = common.NormActivation(norm_momentum=0.9, use_sync_bn=False)
    return network_arguments(backbone_config(**changes), (64, 64, 3), norm)


def image_spec(size=64):
    return tf_keras.layers.InputSpec(shape=[None, size, size, 3])


def random_images(batch=2, size=64, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(batch, size, size, 3))
    return tf.constant(images, tf.float32)


def decoded_example(image, boxes):
    """What a decoder makes of an image, with boxes in its pixels of class 2."""
    height, width, _ = image.shape
    boxes = np.array(boxes, np.float32)
    return {
        "image": tf.constant(image),
        "source_id": tf.constant("7"),
        "height": tf.constant(height, tf.int64),
        "width": tf.constant(width, tf.int64),
        "groundtruth_classes": tf.constant([2] * len(boxes), tf.int64),
        "groundtruth_boxes": tf.constant(
            boxes / np.array([height, width] * 2, np.float32)
        ),
        "groundtruth_is_crowd": tf.fill([len(boxes)], False),
        "groundtruth_area": tf.constant(
            np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        ),
    }


def example_batch(task, boxes=((8, 8, 40, 40),), seed=0):
    """Two images with labels, as the task's parser makes them."""
    size = task.task_config.model.input_size[0]
    generator = np.random.default_rng(seed)
    # That of the validation data does not flip or scale.
    parser = task.build_parser(task.task_config.validation_data)
    parse = parser.parse_fn(True)
    examples = [
        parse(
            decoded_example(
                generator.integers(0, 256, (size, size, 3), np.uint8), boxes
            )
        )
        for _ in range(2)
    ]
    return tf.nest.map_structure(lambda *values: tf.stack(values), *examples)
