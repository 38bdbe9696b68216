"""One generator of anchor boxes for parser, model and exporter.

Model Garden's own covers one octave a level: `num_scales` sizes between
`anchor_size` and twice that. The paper's detector has four sizes, an octave
apart, on one level; Model Garden builds anchors in four places.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from official.vision.configs import maskrcnn
from official.vision.ops import anchor

from nasnet_tf.checks.errors import InputError


@dataclasses.dataclass
class Anchor(maskrcnn.Anchor):
    """Model Garden's anchors, or those of sizes in pixels.

    Args:
        sizes: sides in pixels of the square anchors, at every position of
            every level; `num_scales` must be their number. Empty: Model
            Garden's, from `num_scales` and `anchor_size`, and what follows
            does not count.
        offset: of the first centre, in positions: 0.5 as Model Garden, 0 as
            the Object Detection API.
        clip: to the image, as the Object Detection API does. In training those
            that leave the image are left out.
    """

    sizes: list[float] = dataclasses.field(default_factory=list)
    offset: float = 0.5
    clip: bool = False


def anchor_generator(model_config) -> Callable:
    """The anchors of a detector.

    Args:
        model_config: `task.model` of an experiment.

    Returns:
        A function of the image's (height, width) that returns, by level (a
        text), boxes `(rows, columns, anchors * 4)` as ymin, xmin, ymax, xmax
        in pixels, float32.

    Raises:
        InputError: `num_scales` is not the number of sizes.
    """
    config = model_config.anchor
    sizes = getattr(config, "sizes", None)
    levels = (model_config.min_level, model_config.max_level)
    if not sizes:
        return anchor.build_anchor_generator(
            *levels,
            config.num_scales,
            config.aspect_ratios,
            config.anchor_size,
        )

    if len(sizes) != config.num_scales:
        raise InputError(
            f"task.model.anchor.num_scales: {config.num_scales} beside "
            f"{len(sizes)} of sizes; set it to {len(sizes)}"
        )

    def generate(image_size):
        return {
            str(level): tf.constant(boxes)
            for level, boxes in _grids(model_config, image_size, config.clip)
        }

    return generate


def outside_anchors(model_config, image_size) -> dict[str, np.ndarray] | None:
    """The anchors that training leaves out, where the configuration says so.

    Returns:
        By level, `(rows, columns, anchors)`, whether an anchor leaves the
        image; None where all are trained.
    """
    config = model_config.anchor
    if not (getattr(config, "sizes", None) and config.clip):
        return None
    sides = np.array(tuple(image_size))
    found = {}
    for level, grid in _grids(model_config, image_size, clip=False):
        boxes = grid.reshape(*grid.shape[:2], -1, 4)
        before = boxes[..., :2] < 0
        after = boxes[..., 2:] > sides
        found[str(level)] = (before | after).any(axis=-1)
    return found


def _grids(model_config, image_size, clip):
    config = model_config.anchor
    for level in range(model_config.min_level, model_config.max_level + 1):
        boxes = grid_anchors(
            image_size,
            2**level,
            tuple(config.sizes),
            config.aspect_ratios,
            config.offset,
        )
        if clip:
            limits = np.tile(np.array(tuple(image_size), np.float32), 2)
            shape = boxes.shape
            boxes = np.clip(boxes.reshape(-1, 4), 0, limits).reshape(shape)
        yield level, boxes


def grid_anchors(
    image_size, stride, sizes, aspect_ratios, offset: float = 0.5
) -> np.ndarray:
    """Anchors of every size and ratio at every position of a grid.

    Args:
        image_size: height and width in pixels.
        stride: pixels from one position to the next.
        sizes: square roots of the anchors' areas, in pixels.
        aspect_ratios: width over height.
        offset: of the first centre, in strides.

    Returns:
        `(rows, columns, sizes * ratios * 4)` float32: ymin, xmin, ymax, xmax
        in pixels; ratios of the first size come first.
    """
    rows, columns = (math.ceil(side / stride) for side in image_size)
    y = (np.arange(rows) + offset) * stride
    x = (np.arange(columns) + offset) * stride
    half = np.array(
        [
            (size / math.sqrt(ratio) / 2, size * math.sqrt(ratio) / 2)
            for size in sizes
            for ratio in aspect_ratios
        ]
    )
    centres = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)[:, :, None]
    boxes = np.concatenate([centres - half, centres + half], axis=-1)
    return boxes.reshape(rows, columns, -1).astype(np.float32)
