"""Checkpoints of the Object Detection API's Faster R-CNN with NASNet."""

import dataclasses
import pathlib
import re

import numpy as np
import tensorflow as tf

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.weights import slim_checkpoint
from nasnet_tf.weights.source import SLIM, WeightsSource

EXTRACTORS = ("FirstStageFeatureExtractor/", "SecondStageFeatureExtractor/")
FIRST, SECOND = "FirstStageBoxPredictor/", "SecondStageBoxPredictor/"
# Ours, by the name there.
HEADS = {
    "Conv": "rpn_conv",
    f"{FIRST}ClassPredictor": "rpn_scores",
    f"{FIRST}BoxEncodingPredictor": "rpn_boxes",
    f"{SECOND}ClassPredictor": "class_logits",
    f"{SECOND}BoxEncodingPredictor": "box_offsets",
}
_PARTS = {"weights": "kernel", "biases": "bias"}
_REMEDY = "give one of faster_rcnn_nas"


@dataclasses.dataclass(frozen=True)
class Published:
    """What a checkpoint holds.

    Args:
        path: its prefix.
        backbone: the tensors of both extractors, under TF-slim's names.
        heads: arrays by our names, such as `"rpn_conv/kernel"`.
        unknown: names that nothing here has.
        averaged: how many of all are moving averages.
        slots: how many more variables there are, of an optimizer and steps.
    """

    path: pathlib.Path
    backbone: WeightsSource
    heads: dict[str, np.ndarray]
    unknown: tuple[str, ...]
    averaged: int
    slots: int

    @property
    def classes(self) -> int:
        """Classes, without the background."""
        return self.heads["class_logits/kernel"].shape[-1] - 1

    @property
    def anchors(self) -> int:
        """Anchors at each position."""
        return self.heads["rpn_scores/kernel"].shape[-1] // 2

    @property
    def network(self) -> dict:
        """Values of `task.model.backbone.nasnet`."""
        tensors = self.backbone.tensors
        first = [n for n in tensors if re.fullmatch(r"cell_\d+/1x1/weights", n)]
        # The first group's cells have the fewest.
        filters = min((tensors[name].shape[-1] for name in first), default=0)
        genotype = get_genotype("NASNET_A")
        return {
            "preset": None,
            "genotype": "NASNET_A",
            "num_cells": max(1, len(first) // 3),
            "penultimate_filters": max(1, filters) * genotype.filters_divisor,
            "stem": "imagenet",
            # Of 32.
            "stem_multiplier": tensors["conv0/weights"].shape[-1] / 32,
            "skip_reduction_layer_input": True,
        }


def find_checkpoint(path: pathlib.Path) -> pathlib.Path:
    """The prefix of a checkpoint, given it, one of its files or its folder.

    Raises:
        InputError: there is none.
    """
    if prefix := slim_checkpoint.prefix(str(path)):
        return pathlib.Path(prefix)
    if path.is_dir():
        latest = tf.train.latest_checkpoint(str(path))
        if latest and slim_checkpoint.prefix(latest):
            return pathlib.Path(latest)
        found = sorted(path.glob("*.index"), key=_number)
        if found:
            return found[-1].with_suffix("")
        raise InputError(
            f"checkpoint: {path} holds no checkpoint (*.index); a frozen graph "
            "alone is not read; give the folder as it was unpacked"
        )
    raise InputError(
        f"checkpoint: {path} does not exist; give the folder of a published "
        "detector, or the prefix of its checkpoint, such as .../model.ckpt"
    )


def _number(path):
    match = re.search(r"(\d+)$", path.with_suffix("").name)
    return int(match[1]) if match else -1


def read_checkpoint(
    prefix: pathlib.Path, slim_variables: str = "auto"
) -> Published:
    """Reads a checkpoint whole.

    Args:
        prefix: of `find_checkpoint`.
        slim_variables: see `nasnet_tf.load_weights`.

    Raises:
        InputError: it is damaged, another architecture's, or a part of one.
    """
    try:
        kind, tensors, averaged = slim_checkpoint.read(
            str(prefix), slim_variables
        )
        names = [name for name, _ in tf.train.list_variables(str(prefix))]
    except InputError:
        raise
    # TensorFlow's errors share no class.
    except Exception as error:
        raise InputError(
            f"checkpoint: {prefix} cannot be read and may be damaged "
            f"({first_line(error)}); fetch it again"
        ) from None
    _check_architecture(prefix, tensors)
    backbone, heads, unknown = {}, {}, []
    for name, value in tensors.items():
        layer, _, part = name.rpartition("/")
        extractor = next((e for e in EXTRACTORS if name.startswith(e)), None)
        if extractor:
            backbone[name.removeprefix(extractor)] = value
        elif layer in HEADS and part in _PARTS:
            heads[f"{HEADS[layer]}/{_PARTS[part]}"] = value
        else:
            unknown.append(name)
    missing = [
        f"{layer}/{part}"
        for layer, ours in HEADS.items()
        for part, kind_of in _PARTS.items()
        if f"{ours}/{kind_of}" not in heads
    ]
    if missing:
        raise InputError(
            f"checkpoint: {prefix} is a part of a detector; it lacks "
            f"{', '.join(missing)}; {_REMEDY}, whole"
        )
    source = WeightsSource(str(prefix), kind, SLIM, backbone)
    slots = sum(not slim_checkpoint.is_weight(name) for name in names)
    return Published(
        prefix, source, heads, tuple(unknown), len(averaged), slots
    )


def _check_architecture(prefix, tensors):
    parts = {name.split("/")[0] for name in tensors}
    if EXTRACTORS[0].rstrip("/") not in parts:
        held = ", ".join(sorted(parts)[:4]) or "no weights"
        raise InputError(
            f"checkpoint: {prefix} holds no Faster R-CNN of the Object "
            f"Detection API but {held}; {_REMEDY}"
        )
    inner = {
        name.split("/")[1] for name in tensors if name.startswith(EXTRACTORS[0])
    }
    if "conv0" not in inner:
        held = ", ".join(sorted(inner)[:3])
        raise InputError(
            f"checkpoint: the extractor of {prefix} is no NASNet but {held}; "
            f"{_REMEDY}"
        )
