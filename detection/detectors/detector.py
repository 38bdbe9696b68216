"""What all detectors are, and what they make of a network's outputs."""

import abc
import math

import numpy as np

from detection.data.categories import Categories
from detection.detectors.detections import Detections
from detection.detectors.letterbox import MEAN_PIXEL
from nasnet_tf.checks.errors import InputError


class Detector(abc.ABC):
    """Detects objects in images.

    Args:
        name: for titles, such as `"checkpoint ckpt-400 of runs/x"`.
        categories: empty where they are unknown; an id is then the label.
        num_classes: of the network; 0 is background, labels are 1 to
            `num_classes - 1`.
        image_size: height and width that images are fitted into.
    """

    def __init__(
        self,
        name: str,
        categories: Categories,
        num_classes: int,
        image_size: tuple[int, int],
    ):
        self.name = name
        self.categories = categories
        self.num_classes = num_classes
        self.image_size = image_size

    def detect(self, image: np.ndarray) -> Detections:
        """Detects the objects in an image.

        Args:
            image: uint8 `(height, width, 3)`, RGB.

        Raises:
            InputError: it is no such array.
        """
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[-1] != 3
            or not image.size
        ):
            shape = getattr(image, "shape", None)
            raise InputError(
                f"image: {getattr(image, 'dtype', type(image).__name__)} of "
                f"shape {shape}; give uint8 pixels (height, width, 3)"
            )
        outputs, scale = self._run(_lasting(image, self.image_size))
        return with_ids(
            to_detections(outputs, scale, image.shape[:2]), self.categories
        )

    @abc.abstractmethod
    def _run(self, image) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Model Garden's outputs for one image, and pixels per its pixel."""


def with_ids(detections: Detections, categories: Categories) -> Detections:
    """Detections whose classes are ids in place of labels.

    Those of a label that no category has are dropped, unless labels are ids:
    COCO's have gaps.

    Args:
        detections: classes are labels.
        categories: of the network.
    """
    if not categories.renumbered:
        return detections
    ids = categories.by_label()
    kept = np.isin(detections.classes, list(ids))
    classes = [ids[label] for label in detections.classes[kept].tolist()]
    return Detections(
        detections.boxes[kept],
        detections.scores[kept],
        np.array(classes, np.int64),
    )


def _lasting(image, image_size):
    """Pads an image so thin that fitted into a size no pixel of it is left."""
    sides = np.array(image.shape[:2])
    scale = (np.array(image_size) / sides).min()
    # A side is rounded. Above, the image is what it was.
    if sides.min() * scale > 0.5:
        return image
    height, width = sides
    padded = np.empty((*np.maximum(sides, math.ceil(1 / scale)), 3), np.uint8)
    padded[:] = np.round(MEAN_PIXEL)
    padded[:height, :width] = image
    return padded


def to_detections(outputs: dict, scale, size) -> Detections:
    """Model Garden's outputs for one image as `Detections` of labels.

    Slots without a detection are dropped, and boxes outside the image.

    Args:
        outputs: `detection_boxes` `(1, n, 4)` in pixels of the network's
            input, `detection_scores`, `detection_classes` and
            `num_detections`.
        scale: of y and x, pixels of the input per pixel of the image.
        size: height and width of the image.
    """
    count = int(outputs["num_detections"][0])
    boxes, scores, classes = (
        np.asarray(outputs[f"detection_{name}"][0][:count])
        for name in ("boxes", "scores", "classes")
    )
    sides = np.tile(np.asarray(scale, np.float32), 2)
    boxes = boxes.astype(np.float32) / sides
    limits = np.tile(np.asarray(size, np.float32), 2)
    boxes = np.clip(boxes, np.float32(0), limits)
    sides = boxes[:, 2:] - boxes[:, :2]
    # Not `> 0`: what is no number is for the caller to see.
    kept = (classes > 0) & ~(sides <= 0).any(axis=1)
    order = np.argsort(-scores[kept], kind="stable")
    return Detections(
        boxes[kept][order],
        scores[kept][order].astype(np.float32),
        classes[kept][order].astype(np.int32),
    )
