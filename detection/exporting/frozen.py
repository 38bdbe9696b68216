"""A detector as one TensorFlow function without variables."""

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

OUTPUTS = (
    "detection_boxes",
    "detection_scores",
    "detection_classes",
    "num_detections",
)


class FrozenDetector(tf.Module):
    """Stands in for a detector in `detection.modeling.serving.DetectionModule`.

    TensorFlow folds constants and keeps kernels in the layout that its
    convolutions take.

    Args:
        model: of `DetectionModule`, for any batch.
        padded_size: height and width of its input.
    """

    def __init__(self, model, padded_size):
        super().__init__()
        self._function = frozen_function(
            lambda images, image_shape: model.call(
                images=images, image_shape=image_shape, training=False
            ),
            [
                tf.TensorSpec([None, *padded_size, 3], tf.float32, "images"),
                tf.TensorSpec([None, 2], tf.float32, "image_shape"),
            ],
        )

    def call(self, images, image_shape, **unused):
        """Model Garden's outputs; anchors are a part of the function."""
        return self._function(images, image_shape)

    __call__ = call


def frozen_function(function, specs, outputs=OUTPUTS):
    """A `tf.function` with the variables' values as constants.

    Args:
        function: returns tensors by name.
        specs: of its arguments, with names.
        outputs: names of the tensors to return.
    """

    @tf.function(autograph=False, input_signature=specs)
    def inference(*inputs):
        found = function(*inputs)
        return [found[name] for name in outputs]

    # Loops stay functions, which may be called in another function.
    frozen = convert_variables_to_constants_v2(
        inference.get_concrete_function(), lower_control_flow=False
    )
    graph = frozen.graph.as_graph_def()
    sources = [tensor.name for tensor in frozen.inputs]
    results = [tensor.name for tensor in frozen.outputs]
    shapes = [tensor.shape for tensor in frozen.outputs]

    @tf.function(autograph=False, input_signature=specs)
    def run(*inputs):
        found = tf.graph_util.import_graph_def(
            graph, dict(zip(sources, inputs, strict=True)), results, name=""
        )
        for tensor, shape in zip(found, shapes, strict=True):
            # An import knows less of its shapes than the graph did.
            tensor.set_shape(shape)
        return dict(zip(outputs, found, strict=True))

    return run
