"""RetinaNet of Model Garden with NASNet."""

import dataclasses

from official.vision.configs import retinanet
from official.vision.modeling import factory, retinanet_model
from official.vision.modeling.layers import detection_generator

from detection.modeling.backbone import Backbone, inference_backbone
from detection.modeling.checks import check_levels
from detection.modeling.float32 import in_float32


@dataclasses.dataclass
class RetinaNet(retinanet.RetinaNet):
    """Model Garden's RetinaNet with NASNet."""

    backbone: Backbone = dataclasses.field(default_factory=Backbone)


class DetectionGenerator(detection_generator.MultilevelDetectionGenerator):
    """Model Garden's final boxes, in float32."""

    def __call__(self, *args, **kwargs):
        return super().__call__(*in_float32(args), **in_float32(kwargs))


def build_retinanet(
    input_specs,
    model_config: RetinaNet,
    l2_regularizer=None,
    for_inference: bool = False,
) -> retinanet_model.RetinaNetModel:
    """Builds the detector of a configuration.

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        model_config: `task.model` of an experiment.
        l2_regularizer: of tf_keras, or None.
        for_inference: see `detection.modeling.detector.build_detector`.

    Raises:
        InputError: a value is bad, or does not fit another.
    """
    check_levels(model_config)
    built = factory.build_retinanet(
        input_specs,
        model_config,
        l2_regularizer,
        backbone=inference_backbone(input_specs, model_config, for_inference),
    )
    parts = dict(built.get_config())
    parts["detection_generator"] = DetectionGenerator.from_config(
        built.detection_generator.get_config()
    )
    return type(built)(**parts)
