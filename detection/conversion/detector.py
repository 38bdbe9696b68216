"""The configuration of a published detector, and the weights of its heads."""

import numpy as np
from official.core import config_definitions as cfg

from detection.conversion.checkpoint import Published
from detection.conversion.pipeline import Pipeline
from detection.experiments import read_experiment
from nasnet_tf.checks.errors import InputError

# What all of them have stands there.
EXPERIMENT = "fasterrcnn_nasnet_large_coco"


def configuration(
    published: Published, settings: Pipeline
) -> cfg.ExperimentConfig:
    """The experiment of a checkpoint with these settings."""
    num_filters = published.heads["rpn_conv/kernel"].shape[-1]
    return read_experiment(
        EXPERIMENT,
        values={
            "task": {
                "model": {
                    "num_classes": published.classes + 1,
                    "input_size": [*settings.image_size, 3],
                    "backbone": {
                        "nasnet": published.network
                        | {"preprocessing": "scale", "freeze_batch_norm": True}
                    },
                    "anchor": {
                        "num_scales": len(settings.sizes),
                        "sizes": list(settings.sizes),
                        "aspect_ratios": list(settings.aspect_ratios),
                    },
                    "rpn_head": {"num_filters": num_filters},
                    "roi_generator": {
                        # Suppression keeps no more.
                        "pre_nms_top_k": max(2000, settings.num_proposals),
                        "test_pre_nms_top_k": max(1000, settings.num_proposals),
                        "num_proposals": settings.num_proposals,
                        "nms_iou_threshold": settings.proposal_iou,
                        "pre_nms_score_threshold": settings.proposal_score,
                        "test_num_proposals": settings.num_proposals,
                        "test_nms_iou_threshold": settings.proposal_iou,
                        "test_pre_nms_score_threshold": (
                            settings.proposal_score
                        ),
                    },
                    "roi_sampler": {
                        "num_sampled_rois": min(
                            settings.num_sampled, settings.num_proposals
                        )
                    },
                    "roi_aligner": {"crop_size": settings.crop_size},
                    "detection_generator": {
                        "nms_iou_threshold": settings.detection_iou,
                        "pre_nms_score_threshold": settings.detection_score,
                        "max_num_detections": settings.num_detections,
                    },
                },
            }
        },
    )


def assign_heads(model, published: Published, settings: Pipeline) -> None:
    """Sets the weights of the heads.

    The API orders anchors by ratio first, we by size; and it has no boxes of
    the background, whose outputs nothing reads.
    """
    sizes, ratios = len(settings.sizes), len(settings.aspect_ratios)
    values = dict(published.heads)
    for name in ("rpn_scores", "rpn_boxes"):
        for part in ("kernel", "bias"):
            key = f"{name}/{part}"
            values[key] = _by_size(values[key], ratios, sizes)
    for part in ("kernel", "bias"):
        key = f"box_offsets/{part}"
        nothing = [(0, 0)] * (values[key].ndim - 1) + [(4, 0)]
        values[key] = np.pad(values[key], nothing)
    head, box_head = model.rpn_head, model.detection_head[0]
    layers = {
        layer.name: layer
        for layer in (
            head.conv,
            head.scores,
            head.boxes,
            box_head.classifier,
            box_head.box_regressor,
        )
    }
    targets = {
        key: getattr(layers[key.split("/")[0]], key.split("/")[1])
        for key in values
    }
    for key, variable in targets.items():
        if variable.shape != values[key].shape:
            raise InputError(
                f"checkpoint: {key} of {published.path} has the shape "
                f"{values[key].shape}, and the detector {variable.shape}; "
                "give one of faster_rcnn_nas"
            )
    for key, variable in targets.items():
        variable.assign(values[key])


def _by_size(values, ratios, sizes):
    shape = values.shape
    split = values.reshape(*shape[:-1], ratios, sizes, -1)
    return np.swapaxes(split, -3, -2).reshape(shape)
