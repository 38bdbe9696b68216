"""RetinaNet of Model Garden with NASNet."""

import dataclasses

from official.vision.configs import retinanet
from official.vision.modeling import factory, retinanet_model

from detection.modeling.backbone import Backbone
from detection.modeling.checks import check_levels
from detection.modeling.float32 import float32_parts


@dataclasses.dataclass
class RetinaNet(retinanet.RetinaNet):
    """Model Garden's RetinaNet with NASNet."""

    backbone: Backbone = dataclasses.field(default_factory=Backbone)


def build_retinanet(
    input_specs, model_config: RetinaNet, l2_regularizer=None
) -> retinanet_model.RetinaNetModel:
    """Builds the detector of a configuration.

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        model_config: `task.model` of an experiment.
        l2_regularizer: of tf_keras, or None.

    Raises:
        InputError: a value is bad, or does not fit another.
    """
    check_levels(model_config)
    built = factory.build_retinanet(input_specs, model_config, l2_regularizer)
    return type(built)(**float32_parts(built))
