"""A trained detector with other parts for inference, its weights shared."""

from detection.modeling.anchors import anchor_generator
from detection.modeling.crop_and_resize import CropAndResize
from detection.modeling.faster_rcnn import FasterRCNN, FasterRCNNModel
from detection.modeling.greedy_nms import GreedyROIGenerator
from detection.modeling.rpn_head import RPNHead


def litert_model(model, config):
    """The detector made of operations that LiteRT has.

    It returns all boxes; `detect_greedily` is to choose among them.

    Args:
        model: of a `detection.modeling.serving.DetectionModule`; it stays as
            it is.
        config: `task.model` of its experiment.
    """
    parts = dict(model.get_config())
    generator = model.detection_generator
    parts["detection_generator"] = type(generator).from_config(
        generator.get_config() | {"apply_nms": False}
    )
    if not isinstance(config, FasterRCNN):
        return type(model)(**parts)
    # That is `combined_non_max_suppression`, which LiteRT lacks.
    if config.roi_generator.use_batched_nms:
        parts["roi_generator"] = GreedyROIGenerator.from_config(
            model.roi_generator.get_config()
        )
    if isinstance(model.rpn_head, RPNHead):
        parts["rpn_head"] = model.rpn_head.as_convolution()
    if isinstance(model.roi_aligner, CropAndResize):
        parts["roi_aligner"] = CropAndResize.from_config(
            model.roi_aligner.get_config() | {"built_in": False}
        )
    # All regions at once: LiteRT plans memory ahead, and copies what a loop
    # collects at each of its turns.
    return FasterRCNNModel(anchors=anchor_generator(config), **parts)
