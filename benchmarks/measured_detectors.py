"""A detector of ours or of Model Garden's, counted and timed.

The side of `benchmarks/detection.py` that runs in a process of its own; see
`export.runtime.child_process`.
"""

import math
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf

from export.runtime.child_process import peak_memory
from nasnet_tf.checks.errors import InputError, JobError

OBJECTS = 8  # in the training image


def counted(experiment, image_size):
    """Yields parameters, multiply-adds of an image, and proposals."""
    task = make_task(experiment, image_size)
    config = task.task_config.model
    # In a loop over portions of regions, a graph has the box head once.
    if getattr(config, "regions_at_once", 0):
        config.regions_at_once = 0
    model = task.build_model()
    graph = inference(model, image_size, 1).get_concrete_function().graph
    yield {
        "parameters": sum(
            math.prod(v.shape) for v in model.trainable_variables
        ),
        "mult_adds": mult_adds(graph),
        "proposals": getattr(
            getattr(config, "roi_generator", None), "test_num_proposals", None
        ),
    }


def measured(experiment, mode, image_size, batch, bfloat16=False):
    """Yields seconds of what is asked for.

    First those of building and of the first call, which traces; for each
    "call" its own; for "end" bytes of memory instead, None where the system
    does not tell, and the rate of 1x1 convolutions in inference.

    Args:
        experiment: a name in Model Garden's registry.
        mode: `"inference"` or `"training"`.
        image_size: height and width.
        batch: images of a call.
        bfloat16: convolve in it.
    """
    import_libraries()
    if bfloat16:
        from detection.detectors.bfloat16 import use_bfloat16

        use_bfloat16()
    before = peak_memory()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        task = make_task(experiment, image_size, batch, folder)
        model = built_model(task, mode)
        prepare = inference_call if mode == "inference" else training_call
        call = prepare(task, model, image_size, batch)
    built = time.perf_counter()
    call()
    question = yield {
        "build_seconds": built - start,
        "first_call_seconds": time.perf_counter() - built,
    }
    while question == "call":
        start = time.perf_counter()
        call()
        question = yield time.perf_counter() - start
    peak = peak_memory()
    figures = {"memory": before and peak - before, "process_memory": peak}
    if mode == "inference":
        figures["convolution_rate"] = convolution_rate()
    yield figures


def built_model(task, mode):
    """A detector as it trains, or ours as they are loaded for inference."""
    from detection.modeling.detector import build_detector

    config = task.task_config.model
    is_ours = type(config).__module__.startswith("detection.")
    if mode == "training" or not is_ours:
        return task.build_model()
    return build_detector(config, config.input_size[:2], for_inference=True)


def convolution_rate(seconds=2.0) -> float:
    """FLOP a second of this machine's 1x1 convolutions: the best of some.

    Of one as the large network's last cells have, on 50 regions.
    """
    kernel = tf.random.stateless_normal((1, 1, 4032, 672), (0, 1))
    regions = tf.random.stateless_normal((50, 9, 9, 4032), (0, 2))

    @tf.function(autograph=False)
    def convolve(values):
        return tf.nn.conv2d(values, kernel, 1, "SAME")

    convolve(regions)
    taken, end = [], time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        convolve(regions).numpy()
        taken.append(time.perf_counter() - start)
    return 2 * 50 * 9 * 9 * 4032 * 672 / min(taken)


def import_libraries():
    """Imports what detectors are built with, and registers them."""
    from official.vision import registry_imports  # noqa: F401

    from detection import experiments  # noqa: F401


def make_task(experiment, image_size, batch=1, folder=None):
    """The task of a detector at a size, its weights random.

    Args:
        experiment: a name in Model Garden's registry.
        image_size: height and width.
        batch: images of a training step.
        folder: where its training image is written.

    Raises:
        InputError: no such experiment, no detector, or no size for it.
    """
    import_libraries()
    from official.core import exp_factory, task_factory
    from official.vision.configs import maskrcnn, retinanet

    try:
        params = exp_factory.get_exp_config(experiment)
    except LookupError:
        raise InputError(
            f"experiments: {experiment!r} is unknown; give one of "
            "configs/detection/ or of Model Garden's detectors"
        ) from None
    model = params.task.model
    if not isinstance(model, (maskrcnn.MaskRCNN, retinanet.RetinaNet)):
        raise InputError(
            f"experiments: {experiment} is no detector; give one of "
            "configs/detection/ or of Model Garden's detectors"
        )
    stride = 2**model.max_level
    if image_size % stride:
        raise InputError(
            f"image_size: {image_size} is not a multiple of {stride}, the "
            f"stride of {experiment}'s last map; choose another"
        )
    changed = {
        "input_size": [image_size, image_size, 3],
        "norm_activation": {"use_sync_bn": False},
        "detection_generator": {"nms_version": "batched"},
    }
    if isinstance(model, maskrcnn.MaskRCNN):
        changed["roi_generator"] = {"use_batched_nms": True}
        changed["include_mask"] = False
        for part in ("mask_head", "mask_sampler", "mask_roi_aligner"):
            changed[part] = None
    data = {
        "global_batch_size": batch,
        "dtype": "float32",
        "shuffle_buffer_size": 1,
    }
    if folder:
        data["input_path"] = str(write_example(folder, image_size))
    params.task.override(
        {"init_checkpoint": None, "model": changed, "train_data": data}
    )
    return task_factory.get_task(params.task)


def write_example(folder, image_size) -> pathlib.Path:
    """Writes a TFRecord file with one image of noise and boxes on it."""
    from PIL import Image

    from detection.data.annotations import AnnotatedImage, Annotation
    from detection.data.categories import Categories
    from detection.data.examples import serialized_example

    generator = np.random.default_rng(0)
    shape = (image_size, image_size, 3)
    picture = pathlib.Path(folder) / "noise.png"
    Image.fromarray(generator.integers(0, 256, shape, np.uint8)).save(picture)
    corners = generator.uniform(0, image_size / 2, (OBJECTS, 2))
    sides = generator.uniform(image_size / 16, image_size / 2, (OBJECTS, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1).tolist()
    objects = tuple(
        Annotation(number + 1, tuple(box), math.prod(side), False)
        for number, (box, side) in enumerate(zip(boxes, sides, strict=True))
    )
    image = AnnotatedImage(
        1, picture, picture.name, image_size, image_size, 0, objects
    )
    path = picture.with_suffix(".tfrecord")
    with tf.io.TFRecordWriter(str(path)) as writer:
        names = Categories({box.category_id: "object" for box in objects})
        writer.write(serialized_example(image, names))
    return path


def inference(model, image_size, batch):
    """Inference in a graph, of images and their sizes."""

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([batch, image_size, image_size, 3]),
            tf.TensorSpec([batch, 2]),
        ],
    )
    def function(images, image_shape):
        found = model(images, image_shape=image_shape, training=False)
        return {k: v for k, v in found.items() if k.startswith("detection_")}

    return function


def inference_call(task, model, image_size, batch):
    """A function that returns the scores of detections in random images.

    All kernels are set to zero.
    """
    function = inference(model, image_size, batch)
    for variable in model.trainable_variables:
        if variable.shape.rank > 1:
            variable.assign(tf.zeros_like(variable))
    images = tf.random.stateless_normal(
        (batch, image_size, image_size, 3), (0, 1)
    )
    sizes = tf.fill([batch, 2], float(image_size))
    return lambda: function(images, sizes)["detection_scores"].numpy()


def training_call(task, model, image_size, batch):
    """A function that makes a training step, which leaves the weights.

    Raises:
        JobError: when called, the loss is no number.
    """
    import tf_keras

    images, labels = next(iter(task.build_inputs(task.task_config.train_data)))
    optimizer = tf_keras.optimizers.SGD(0.0, momentum=0.9)

    @tf.function(autograph=False)
    def step(images, labels):
        return task.train_step((images, labels), model, optimizer)[task.loss]

    def call():
        loss = float(step(images, labels))
        if not math.isfinite(loss):
            raise JobError(f"the loss is {loss}")

    return call


def mult_adds(graph: tf.Graph) -> int:
    """Multiply-adds of a graph: of its convolutions and matrix products.

    Additions, norms, activations, pools and crops are not counted.

    Args:
        graph: whose shapes are all known.

    Raises:
        JobError: a function that the graph calls has a part in it.
    """
    kinds = {"Conv2D", "DepthwiseConv2dNative", "MatMul"}
    for function in graph.as_graph_def().library.function:
        if kinds & {node.op for node in function.node_def}:
            raise JobError(f"{function.signature.name} hides multiply-adds")
    total = 0
    for operation in graph.get_operations():
        if operation.type not in kinds:
            continue
        kernel = operation.inputs[1].shape
        outputs = operation.outputs[0].shape.num_elements()
        if operation.type == "Conv2D":
            total += outputs * math.prod(kernel[:3])
        elif operation.type == "DepthwiseConv2dNative":
            total += outputs * math.prod(kernel[:2])
        else:
            inner = kernel[1 if operation.get_attr("transpose_b") else 0]
            total += outputs * inner
    return total
