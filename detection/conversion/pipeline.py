"""What a `pipeline.config` of the Object Detection API says of a detector."""

import dataclasses
import pathlib

from detection.conversion.text_format import Message, read_message
from nasnet_tf.checks.errors import InputError

PIPELINE_FILE = "pipeline.config"
_MODEL = "model.faster_rcnn"
_RESIZER = "image_resizer.fixed_shape_resizer"
_ANCHORS = "first_stage_anchor_generator.grid_anchor_generator"
_SECOND = "second_stage_post_processing"
_NMS = f"{_SECOND}.batch_non_max_suppression"
# What cannot be another value: its default in the API, and ours.
_FIXED = {
    "feature_extractor.first_stage_features_stride": (16, 16),
    f"{_RESIZER}.resize_method": ("BILINEAR", "BILINEAR"),
    f"{_RESIZER}.convert_to_grayscale": (False, False),
    f"{_ANCHORS}.height_stride": (16, 16),
    f"{_ANCHORS}.width_stride": (16, 16),
    f"{_ANCHORS}.height_offset": (0, 0),
    f"{_ANCHORS}.width_offset": (0, 0),
    "first_stage_box_predictor_kernel_size": (3, 3),
    "first_stage_atrous_rate": (1, 1),
    "maxpool_kernel_size": (1, 1),
    "maxpool_stride": (1, 1),
    f"{_SECOND}.score_converter": ("IDENTITY", "SOFTMAX"),
    f"{_SECOND}.logit_scale": (1.0, 1.0),
    f"{_SECOND}.calibration_config": (None, None),
    f"{_NMS}.use_class_agnostic_nms": (False, False),
    f"{_NMS}.soft_nms_sigma": (0.0, 0.0),
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
        held = message.get_path("model")
        kinds = ", ".join(held) if isinstance(held, Message) else ""
        raise InputError(
            f"pipeline_config: {path} is of {kinds or 'no model'}, not of "
            "faster_rcnn; give that of faster_rcnn_nas"
        )
    values = _Values(path, model)
    kind = model.get_path("feature_extractor.type")
    if kind != "faster_rcnn_nas":
        raise InputError(
            f"pipeline_config: {path} has the feature extractor {kind!r}, not "
            "'faster_rcnn_nas'; give that of faster_rcnn_nas"
        )
    _check_resizer(path, model)
    for name, (default, needed) in _FIXED.items():
        if (value := model.get_path(name, default)) != needed:
            raise InputError(
                f"pipeline_config: {name} is {value!r} in {path}; a detector "
                f"with {needed!r} can be converted"
            )
    base = [values.whole(f"{_ANCHORS}.{s}", 256) for s in ("height", "width")]
    if base[0] != base[1]:
        raise InputError(
            f"pipeline_config: the base anchor of {path} is {base[0]}x"
            f"{base[1]}; a detector with a square one can be converted"
        )
    scales = values.positive(f"{_ANCHORS}.scales", (0.5, 1.0, 2.0))
    most = values.whole(f"{_NMS}.max_total_detections", 100)
    each = values.whole(f"{_NMS}.max_detections_per_class", 100)
    if each != most:
        raise InputError(
            f"pipeline_config: max_detections_per_class is {each} in {path} "
            f"and max_total_detections {most}; a detector with equal ones can "
            "be converted"
        )
    classes = model.get_path("num_classes")
    return Pipeline(
        image_size=(
            values.whole(f"{_RESIZER}.height", 300),
            values.whole(f"{_RESIZER}.width", 300),
        ),
        num_proposals=values.whole("first_stage_max_proposals", 300),
        sizes=tuple(scale * base[0] for scale in scales),
        aspect_ratios=values.positive(
            f"{_ANCHORS}.aspect_ratios", (0.5, 1.0, 2.0)
        ),
        proposal_iou=values.fraction("first_stage_nms_iou_threshold", 0.7),
        proposal_score=values.fraction("first_stage_nms_score_threshold", 0.0),
        crop_size=values.whole("initial_crop_size", 17),
        detection_iou=values.fraction(f"{_NMS}.iou_threshold", 0.6),
        detection_score=values.fraction(f"{_NMS}.score_threshold", 0.0),
        num_detections=most,
        num_sampled=values.whole("second_stage_batch_size", 64),
        num_classes=classes and values.whole("num_classes", 0),
    )


def _check_resizer(path, model):
    resizer = model.get_path("image_resizer")
    kinds = ", ".join(resizer) if isinstance(resizer, Message) else ""
    if not isinstance(model.get_path(_RESIZER), Message):
        raise InputError(
            f"pipeline_config: {path} has {kinds or 'no image_resizer'}; a "
            "detector with fixed_shape_resizer can be converted, so replace it "
            "by one of the size that you need"
        )


class _Values:
    """The values of a file's model, checked."""

    def __init__(self, path: pathlib.Path, model: Message):
        self._path, self._model = path, model

    def whole(self, name: str, default: int) -> int:
        value = self._model.get_path(name, default)
        if not _is_number(value) or value < 1 or value != int(value):
            raise self._refused(name, value, "no whole number of 1 or more")
        return int(value)

    def fraction(self, name: str, default: float) -> float:
        value = self._model.get_path(name, default)
        if not _is_number(value) or not 0 <= value <= 1:
            raise self._refused(name, value, "no number from 0 to 1")
        return float(value)

    def positive(self, name: str, default) -> tuple[float, ...]:
        values = self._model.get_list(name, default)
        for value in values:
            if not _is_number(value) or value <= 0:
                raise self._refused(name, value, "no number above 0")
        return tuple(map(float, values))

    def _refused(self, name, value, what):
        return InputError(
            f"pipeline_config: {name}, {value!r} in {self._path} is {what}; "
            "give the file as it was published"
        )


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
