"""Values of an experiment's `task` that do not fit each other."""

from detection.modeling.box_coder import GROWTH
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError


def check_initial_weights(task_config) -> None:
    """Whether the backbone is one that `initial_weights` are for.

    Raises:
        InputError: it is another.
    """
    backbone = task_config.model.backbone.type
    if task_config.initial_weights and backbone != "nasnet":
        raise InputError(
            f"task.initial_weights: {task_config.initial_weights} beside "
            f"task.model.backbone.type {backbone!r}; they are for nasnet"
        )


def check_levels(model_config) -> None:
    """Whether the decoder gets the levels that it reads.

    Raises:
        InputError: it does not; or there is no such size or class.
    """
    size = model_config.input_size
    if len(size) != 3 or size[2] != 3 or min(size[:2]) < 32:
        raise InputError(
            f"task.model.input_size: {size} is not [height, width, 3] of 32 "
            "pixels or more"
        )
    if model_config.num_classes < 2:
        raise InputError(
            f"task.model.num_classes: {model_config.num_classes} leaves no "
            "class beside the background, 0; give the largest category id + 1"
        )
    least, most = model_config.min_level, model_config.max_level
    if least > most:
        raise InputError(
            f"task.model.min_level: {least} is above task.model.max_level, "
            f"{most}"
        )
    backbone = model_config.backbone
    # Most of Model Garden's own have all levels.
    finest = getattr(backbone.get(), "min_level", least)
    if finest > least:
        raise InputError(
            f"task.model.min_level: {least} is below the {finest} of "
            f"task.model.backbone.{backbone.type}.min_level; raise it, or "
            "lower that"
        )


def check_faster_rcnn(model_config) -> None:
    """What only Faster R-CNN has, the paper's form included.

    Raises:
        InputError: two values do not fit.
    """
    check_levels(model_config)
    sampler = model_config.roi_sampler
    proposed = model_config.roi_generator.num_proposals
    if sampler.num_sampled_rois > proposed:
        raise InputError(
            "task.model.roi_sampler.num_sampled_rois: "
            f"{sampler.num_sampled_rois} is more than the {proposed} of "
            "task.model.roi_generator.num_proposals; lower it, or raise those"
        )
    if sampler.cascade_iou_thresholds:
        _check_cascade(model_config)
    if model_config.cells_head:
        _check_cells_head(model_config)
    _check_rpn_head(model_config)
    _check_boxes(model_config)


def _check_rpn_head(model_config):
    head = model_config.rpn_head
    check_choice(
        "task.model.rpn_head.objectness",
        head.objectness,
        ("sigmoid", "softmax"),
    )
    weights = head.box_coder_weights
    if len(weights) != 4 or min(weights) <= 0:
        raise InputError(
            f"task.model.rpn_head.box_coder_weights: {weights} are not four "
            "above 0; give those of y, x, height and width"
        )
    if head.use_batch_norm:
        if head.objectness != "sigmoid":
            raise InputError(
                f"task.model.rpn_head.objectness: {head.objectness!r} beside "
                "use_batch_norm; set that to false"
            )
        return
    _check_one_level(model_config, "rpn_head.use_batch_norm: false")
    if head.num_convs != 1 or head.use_separable_conv:
        raise InputError(
            "task.model.rpn_head.use_batch_norm: false has one plain "
            "convolution; set num_convs to 1 and use_separable_conv to false"
        )


def _check_boxes(model_config):
    """What the Object Detection API does with boxes."""
    check_choice(
        "task.model.roi_aligner.method",
        model_config.roi_aligner.method,
        ("align", "crop_and_resize"),
    )
    if model_config.roi_aligner.method == "crop_and_resize":
        _check_one_level(model_config, "roi_aligner.method: 'crop_and_resize'")
    if model_config.roi_generator.clip_after_nms:
        _check_one_level(model_config, "roi_generator.clip_after_nms: true")
        if not model_config.roi_generator.use_batched_nms:
            raise InputError(
                "task.model.roi_generator.clip_after_nms: true beside "
                "use_batched_nms: false; set that to true"
            )
    generator = model_config.detection_generator
    if generator.clip_after_nms and generator.nms_version != "batched":
        raise InputError(
            "task.model.detection_generator.clip_after_nms: true beside "
            f"nms_version: {generator.nms_version!r}; set that to batched"
        )
    if generator.clip_after_nms and generator.use_sigmoid_probability:
        raise InputError(
            "task.model.detection_generator.use_sigmoid_probability: true "
            "beside clip_after_nms, which takes the softmax; set one to false"
        )
    growth = model_config.box_growth
    if growth < 0 or (growth != GROWTH and not generator.clip_after_nms):
        raise InputError(
            f"task.model.box_growth: {growth} needs "
            "task.model.detection_generator.clip_after_nms, and 0 or more; "
            f"set that to true, or this to {GROWTH}"
        )


def _check_one_level(model_config, what):
    if model_config.min_level != model_config.max_level:
        raise InputError(
            f"task.model.{what} is for one map; set task.model.max_level to "
            f"task.model.min_level, {model_config.min_level}"
        )


def _check_cascade(model_config):
    for name in ("cells_head", "regions_at_once"):
        if value := getattr(model_config, name):
            raise InputError(
                f"task.model.{name}: {value} beside "
                "task.model.roi_sampler.cascade_iou_thresholds; a cascade "
                f"needs {type(value)()}"
            )
    if not model_config.detection_head.class_agnostic_bbox_pred:
        raise InputError(
            "task.model.detection_head.class_agnostic_bbox_pred: false beside "
            "a cascade, whose heads share boxes; set it to true"
        )


def _check_cells_head(model_config):
    if model_config.backbone.type != "nasnet":
        raise InputError(
            "task.model.cells_head: true beside task.model.backbone.type "
            f"{model_config.backbone.type!r}; only nasnet has cells"
        )
    if model_config.decoder.type != "identity":
        raise InputError(
            f"task.model.decoder.type: {model_config.decoder.type!r} beside "
            "task.model.cells_head, whose cells read the backbone's map; set "
            "it to identity"
        )
    if model_config.min_level != model_config.max_level:
        raise InputError(
            f"task.model.max_level: {model_config.max_level} is not "
            f"task.model.min_level, {model_config.min_level}; with "
            "task.model.cells_head there is one map"
        )
