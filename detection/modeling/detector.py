"""The detector of a configuration, whichever it is."""

import tf_keras

from detection.modeling.faster_rcnn import FasterRCNN, build_faster_rcnn
from detection.modeling.retinanet import build_retinanet


def build_detector(
    model_config,
    size: list[int],
    batch_size: int | None = None,
    l2_regularizer=None,
    freeze_backbone: bool = False,
    for_inference: bool = False,
) -> tf_keras.Model:
    """Builds a detector with all its variables.

    Args:
        model_config: `task.model` of an experiment.
        size: height and width of the images, padded.
        batch_size: of the images; None: any.
        l2_regularizer: of tf_keras, or None.
        freeze_backbone: whether its weights stay as they are.
        for_inference: without batch norm in the network, as
            `detection.modeling.saved_variables` fills it.

    Raises:
        InputError: a value is bad, or does not fit another.
    """
    is_faster_rcnn = isinstance(model_config, FasterRCNN)
    build = build_faster_rcnn if is_faster_rcnn else build_retinanet
    specs = tf_keras.layers.InputSpec(shape=[batch_size, *size, 3])
    model = build(specs, model_config, l2_regularizer, for_inference)
    if freeze_backbone:
        model.backbone.trainable = False
    # Called once, so that all its variables are there to be restored.
    model(
        tf_keras.Input([*size, 3]),
        image_shape=tf_keras.Input([2]),
        training=False,
    )
    return model
