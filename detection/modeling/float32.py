"""Boxes in float32, whatever the network computes in.

In bfloat16 a coordinate near 600 is off by 4 pixels, and TensorFlow's
suppression of overlapping boxes takes float32 only.
"""

import tensorflow as tf
from official.vision.modeling.layers import detection_generator, roi_generator


def in_float32(values):
    """Floating tensors of a nested structure as float32, others as they are."""
    return tf.nest.map_structure(_in_float32, values)


def _in_float32(value):
    if tf.is_tensor(value) and value.dtype.is_floating:
        return tf.cast(value, tf.float32)
    return value


class ROIGenerator(roi_generator.MultilevelROIGenerator):
    """Model Garden's proposals, in float32."""

    def __init__(self, **kwargs):
        # Else tf_keras casts what it is called with to the policy's type.
        super().__init__(dtype="float32", **kwargs)

    def call(
        self, raw_boxes, raw_scores, anchor_boxes, image_shape, training=None
    ):
        inputs = (raw_boxes, raw_scores, anchor_boxes, image_shape)
        return super().call(*in_float32(inputs), training=training)


class DetectionGenerator(detection_generator.DetectionGenerator):
    """Model Garden's final boxes of Faster R-CNN, in float32."""

    def __call__(self, *args, **kwargs):
        return super().__call__(*in_float32(args), **in_float32(kwargs))


class MultilevelDetectionGenerator(
    detection_generator.MultilevelDetectionGenerator
):
    """Model Garden's final boxes of RetinaNet, in float32."""

    def __call__(self, *args, **kwargs):
        return super().__call__(*in_float32(args), **in_float32(kwargs))


_KINDS = {
    kind.__base__: kind
    for kind in (ROIGenerator, DetectionGenerator, MultilevelDetectionGenerator)
}


def float32_parts(model) -> dict:
    """The parts of a detector of Model Garden, its boxes in float32.

    Args:
        model: whose class these are the arguments of.
    """
    parts = dict(model.get_config())
    for name, part in parts.items():
        if kind := _KINDS.get(type(part)):
            parts[name] = kind.from_config(part.get_config())
    return parts
