"""What a `pipeline.config` of the Object Detection API says of a detector."""

import dataclasses
import pathlib

from detection.conversion.text_format import Message, read_message
from nasnet_tf.checks.errors import InputError

PIPELINE_FILE = "pipeline.config"
_MODEL = "model.faster_rcnn"
_ANCHORS = "first_stage_anchor_generator.grid_anchor_generator"
_NMS = "second_stage_post_processing.batch_non_max_suppression"
# What cannot be another value, its default in the API, and ours.
_FIXED = {
    "feature_extractor.first_stage_features_stride": (16, 16),
    f"{_ANCHORS}.height_stride": (16, 16),
    f"{_ANCHORS}.width_stride": (16, 16),
    f"{_ANCHORS}.height_offset": (0, 0),
    f"{_ANCHORS}.width_offset": (0, 0),
    "first_stage_box_predictor_kernel_size": (3, 3),
    "first_stage_atrous_rate": (1, 1),
    "maxpool_kernel_size": (1, 1),
    "maxpool_stride": (1, 1),
    "second_stage_post_processing.score_converter": ("SOFTMAX", "SOFTMAX"),
}


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """A detector's settings; the defaults are the published ones.

    Args:
        image_size: height and width that images are stretched to.
        num_proposals: of the first stage.
        sizes: of the anchors in pixels, in the order of the file.
        aspect_ratios: width over height.
        proposal_iou: of the first stage's suppression.
        proposal_score: below which there are no proposals.
        crop_size: of a region's features.
        detection_iou: of the second stage's suppression.
        detection_score: below which there are no detections.
        num_detections: of all classes.
        num_sampled: regions that are trained of an image.
        num_classes: without the background; None: not said.
    """

    image_size: tuple[int, int] = (1200, 1200)
    num_proposals: int = 300
    sizes: tuple[float, ...] = (64.0, 128.0, 256.0, 512.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    proposal_iou: float = 0.7
    proposal_score: float = 0.0
    crop_size: int = 17
    detection_iou: float = 0.6
    detection_score: float = 0.0
    num_detections: int = 100
    num_sampled: int = 64
    num_classes: int | None = None


def read_pipeline(path: pathlib.Path) -> Pipeline:
    """Reads a `pipeline.config`.

    Raises:
        InputError: it is damaged, or of a detector that this cannot be.
    """
    message = read_message(path, "pipeline_config")
    model = message.get_path(_MODEL)
    if not isinstance(model, Message):
        kinds = ", ".join(message.get_path("model", Message())) or "no model"
        raise InputError(
            f"pipeline_config: {path} is of {kinds}, not of faster_rcnn; give "
            "that of faster_rcnn_nas"
        )

    def get(name, default):
        return model.get_path(name, default)

    kind = get("feature_extractor.type", None)
    if kind != "faster_rcnn_nas":
        raise InputError(
            f"pipeline_config: {path} has the feature extractor {kind!r}, not "
            "'faster_rcnn_nas'; give that of faster_rcnn_nas"
        )
    for name, (default, needed) in _FIXED.items():
        if (value := get(name, default)) != needed:
            raise InputError(
                f"pipeline_config: {name} is {value!r} in {path}; a detector "
                f"with {needed!r} can be converted"
            )
    base = [get(f"{_ANCHORS}.{side}", 256) for side in ("height", "width")]
    if base[0] != base[1]:
        raise InputError(
            f"pipeline_config: the base anchor of {path} is {base[0]}x"
            f"{base[1]}; a detector with a square one can be converted"
        )
    scales = model.get_list(f"{_ANCHORS}.scales", (0.5, 1.0, 2.0))
    ratios = model.get_list(f"{_ANCHORS}.aspect_ratios", (0.5, 1.0, 2.0))
    most = get(f"{_NMS}.max_total_detections", 100)
    each = get(f"{_NMS}.max_detections_per_class", 100)
    if each != most:
        raise InputError(
            f"pipeline_config: max_detections_per_class is {each} in {path} "
            f"and max_total_detections {most}; a detector with equal ones can "
            "be converted"
        )
    return Pipeline(
        image_size=_image_size(path, model),
        num_proposals=get("first_stage_max_proposals", 300),
        sizes=tuple(float(scale * base[0]) for scale in scales),
        aspect_ratios=tuple(map(float, ratios)),
        proposal_iou=float(get("first_stage_nms_iou_threshold", 0.7)),
        proposal_score=float(get("first_stage_nms_score_threshold", 0.0)),
        crop_size=get("initial_crop_size", 17),
        detection_iou=float(get(f"{_NMS}.iou_threshold", 0.6)),
        detection_score=float(get(f"{_NMS}.score_threshold", 0.0)),
        num_detections=most,
        num_sampled=get("second_stage_batch_size", 64),
        num_classes=get("num_classes", None),
    )


def _image_size(path, model):
    resizer = model.get_path("image_resizer", Message())
    fixed = resizer.get_path("fixed_shape_resizer")
    if not isinstance(fixed, Message):
        kinds = ", ".join(resizer) or "no image_resizer"
        raise InputError(
            f"pipeline_config: {path} has {kinds}; a detector with "
            "fixed_shape_resizer can be converted, so replace it by one of the "
            "size that you need"
        )
    return fixed.get_path("height", 0), fixed.get_path("width", 0)
