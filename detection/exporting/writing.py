"""Writes a detector as a SavedModel or as a LiteRT file."""

import pathlib
import tempfile

import tensorflow as tf
from official.vision.ops import preprocess_ops

from detection.data.categories import Categories
from detection.exporting.description import described
from detection.exporting.frozen import FrozenDetector, frozen_function
from detection.exporting.inference import litert_model
from detection.modeling.greedy_nms import detect_greedily
from detection.modeling.serving import DetectionModule
from nasnet_tf.checks.errors import JobError, first_line

SIGNATURES = {"image_tensor": "serving_default", "image_bytes": "encoded"}


def write_saved_model(module: DetectionModule, path: pathlib.Path) -> None:
    """Writes a SavedModel with Model Garden's signatures.

    `serving_default` takes `inputs`, uint8 `(batch, any height, any width,
    3)`; `encoded` takes `inputs`, strings `(batch,)`, JPEG or PNG files of any
    sizes. Both return what Model Garden's do: `detection_boxes` in pixels of
    the network's input, `image_info` with its scale, and so on.

    Args:
        module: restored; it stays as it is.
        path: of the folder to write.
    """
    frozen = FrozenDetector(module.model, module.padded_size)
    served = DetectionModule(module.params, model=frozen)
    signatures = served.get_inference_signatures(SIGNATURES)
    # Of the module itself every function would be traced and stored again.
    tf.saved_model.save(tf.Module(), str(path), signatures=signatures)


def write_litert(
    module: DetectionModule,
    path: pathlib.Path,
    quantize: str = "none",
    categories: Categories | None = None,
) -> None:
    """Writes a LiteRT file of built-in operations, for one image.

    `images` is float32 `(1, height, width, 3)` of the padded size, pixels as
    `detection.detectors.letterbox` makes them. Outputs are named as Model
    Garden's; `detection_boxes` is in pixels of the input.

    Args:
        module: restored; it stays as it is.
        path: of the file to write.
        quantize: `"float16"`: weights; `"dynamic"`: 8-bit weights.
        categories: whose names the file is to hold.

    Raises:
        JobError: TensorFlow's converter fails.
    """
    config = module.params.task.model
    model = litert_model(module.model, config)
    suppression = config.detection_generator
    size = tf.constant([module.image_size], tf.float32)

    def detect(images):
        normalized = preprocess_ops.normalize_image(
            images,
            offset=preprocess_ops.MEAN_RGB,
            scale=preprocess_ops.STDDEV_RGB,
        )
        raw = model.call(images=normalized, image_shape=size, training=False)
        return detect_greedily(
            raw["decoded_boxes"][0],
            raw["decoded_box_scores"][0],
            suppression.pre_nms_score_threshold,
            suppression.nms_iou_threshold,
            suppression.max_num_detections,
            # RetinaNet has no such choice.
            size if getattr(suppression, "clip_after_nms", False) else None,
        )

    spec = tf.TensorSpec([1, *module.padded_size, 3], tf.float32, "images")
    holder = tf.Module()
    holder.detect = frozen_function(detect, [spec])
    with tempfile.TemporaryDirectory() as folder:
        # Of a function alone the converter drops the names.
        tf.saved_model.save(holder, folder, signatures=holder.detect)
        content = _converted(folder, quantize)
    path.write_bytes(
        described(content, module.padded_size, categories or Categories())
    )


def _converted(folder, quantize):
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    # The converter raises what its steps raise.
    except Exception as error:
        raise JobError(
            f"format: TensorFlow cannot convert this detector to LiteRT "
            f"({first_line(error)}); take --format=saved_model"
        ) from error
