"""Whether an exported detector finds what the checkpoint finds."""

import dataclasses
import itertools
import pathlib
import tempfile

import numpy as np
from PIL import Image

from detection.data.scenes import IMAGES, write_scenes
from detection.detectors.detections import Detections
from detection.evaluation.images import find_images
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.images.photos import open_reduced, read_readable
from nasnet_tf.images.skipped import Skipped

# Of images where none are given, and of others at most.
SCENES = 8
_SCENE_SIZES = (96, 160, 240, 320)


@dataclasses.dataclass(frozen=True)
class DetectorBound:
    """What a file may differ by.

    Args:
        box: pixels, of a box's edges.
        score: of a detection.
        found: share of the detections that the other one has, too.
    """

    box: float
    score: float
    found: float = 1.0


# By quantisation. Of float32 only the order of sums differs. Rounded weights
# move boxes by a part of a pixel, and where two overlap about as much as
# suppression allows, one comes or goes.
BOUNDS = {
    "none": DetectorBound(box=1e-3, score=1e-5),
    "float16": DetectorBound(box=4.0, score=0.02, found=0.95),
    "dynamic": DetectorBound(box=16.0, score=0.1, found=0.8),
}
# Of float32 at most, where rounding alone moves the checkpoint's detections by
# more than is asked for. Two that overlap about as much as suppression allows
# change places, too.
WIDEST = DetectorBound(box=0.1, score=1e-3, found=0.99)
# Of the checkpoint's differences to itself: those are of one draw, and of the
# input alone, where another kernel rounds otherwise in every layer.
MARGIN = 4


@dataclasses.dataclass(frozen=True)
class DetectorParity:
    """The file's detections beside the checkpoint's.

    Args:
        images: what was compared on and how many, for people.
        detections: of the checkpoint.
        box: largest difference of an edge, in pixels of the images.
        score: largest difference.
        found: share of both detectors' detections that the other one has
            within the bounds; those as faint as the faintest that a detector
            may return do not count.
        bound: that `found` is of.
        own: the checkpoint's differences to itself where the last bit of its
            input differs; None: not measured, as nothing asked for it.
    """

    images: str
    detections: int
    box: float
    score: float
    found: float
    bound: DetectorBound
    own: DetectorBound | None = None

    def __str__(self):
        text = (
            f"{self.detections:,} detections on {self.images}: boxes within "
            f"{self.box:.1e} px, scores within {self.score:.1e}, "
            f"{self.found:.2%} in both"
        )
        if not self.detections:
            text += "; the checkpoint finds nothing, so that says little"
        if self.own:
            text += (
                "; the last bit of its input alone moves the checkpoint's "
                f"boxes by {self.own.box:.1e} px and its scores by "
                f"{self.own.score:.1e}, {self.own.found:.2%} in both"
            )
        return text


def comparison_images(folder=None, most: int = 32) -> tuple[str, list]:
    """Images to compare on, and what they are, for people.

    Args:
        folder: of images, or one file; None: scenes of handwritten digits of
            several sizes and shapes.
        most: how many to take.

    Raises:
        InputError: no images, or none that can be read; others are skipped.
    """
    if folder is None:
        images = _scenes()
        return f"{len(images)} scenes of digits", images
    skipped = Skipped()
    readable = read_readable(find_images(folder), open_reduced, skipped)
    images = [np.array(image) for _, image in itertools.islice(readable, most)]
    if not images:
        raise InputError(
            f"images: none of {folder} can be read as an image ({skipped}); "
            "replace them"
        )
    name = f"{len(images)} images of {folder}"
    if skipped.count:
        name += f", skipped {skipped.count:,} ({skipped})"
    return name, images


def _scenes():
    images = []
    with tempfile.TemporaryDirectory() as folder:
        for size in _SCENE_SIZES:
            place = pathlib.Path(folder, str(size))
            write_scenes(
                place,
                SCENES // len(_SCENE_SIZES),
                image_size=size,
                split="validation",
            )
            for path in sorted((place / IMAGES).iterdir()):
                with Image.open(path) as image:
                    images.append(np.array(image.convert("RGB")))
    # Every second one is cut, so that padding is compared, too.
    cuts = (np.s_[:], np.s_[: -1 - len(images[0]) // 4])
    return [image[cuts[n % 2]] for n, image in enumerate(images)]


def compare(
    reference: list[Detections],
    found: list[Detections],
    images: str,
    bound: DetectorBound,
    faintest: float,
    most: int,
    own: DetectorBound | None = None,
) -> DetectorParity:
    """Compares detections in the same images.

    Each is matched with the nearest of its class in the other list.

    Args:
        reference: of the checkpoint.
        found: of the file.
        images: what they are, for people.
        bound: within which detections are the same.
        faintest: score below which a detector returns nothing.
        most: detections that it returns.
        own: of `own_differences`, where they were measured.

    Raises:
        InputError: the checkpoint's are not finite numbers.
    """
    boxes, scores, same = _differences(reference, found, bound, faintest, most)
    return DetectorParity(
        images,
        sum(len(detections.scores) for detections in reference),
        _largest(boxes),
        _largest(scores),
        float(same.mean()) if len(same) else 1.0,
        bound,
        own,
    )


def own_differences(
    reference: list[Detections],
    again: list[Detections],
    faintest: float,
    most: int,
) -> DetectorBound:
    """How far rounding moves the checkpoint's detections.

    Args:
        reference: of the checkpoint.
        again: of the checkpoint, rounded otherwise.
        faintest: see `compare`.
        most: see `compare`.

    Returns:
        The largest differences of those that both have within `WIDEST`, and
        the share of these.
    """
    boxes, scores, same = _differences(reference, again, WIDEST, faintest, most)
    return DetectorBound(
        _largest(boxes[same]),
        _largest(scores[same]),
        float(same.mean()) if len(same) else 1.0,
    )


def widened(bound: DetectorBound, own: DetectorBound) -> DetectorBound:
    """The bound, where the checkpoint itself holds it; else a wider one.

    Args:
        bound: of `BOUNDS`.
        own: of `own_differences`.
    """
    if own.box <= bound.box and own.score <= bound.score and own.found == 1:
        return bound
    return DetectorBound(
        max(bound.box, min(MARGIN * own.box, WIDEST.box)),
        max(bound.score, min(MARGIN * own.score, WIDEST.score)),
        min(bound.found, WIDEST.found),
    )


def _differences(reference, found, bound, faintest, most):
    """Of boxes and scores, and which are within the bound."""
    boxes, scores, same = [], [], []
    for one, other in zip(reference, found, strict=True):
        if not (np.isfinite(one.boxes).all() and np.isfinite(one.scores).all()):
            raise InputError(
                "model: its boxes or scores are not finite numbers; its "
                "training diverged, so take an earlier checkpoint"
            )
        limit = bound.score + max(
            _last(one, faintest, most), _last(other, faintest, most)
        )
        for left, right in ((one, other), (other, one)):
            for number, score in enumerate(left.scores):
                box, difference = _nearest(left, number, right)
                is_same = box <= bound.box and difference <= bound.score
                # Of those at the end of the list either may be left out.
                if not is_same and score <= limit:
                    continue
                same.append(is_same)
                boxes.append(box)
                scores.append(difference)
    return np.array(boxes), np.array(scores), np.array(same, bool)


def _largest(differences):
    # Where the other list has none of the class it is infinite.
    finite = differences[np.isfinite(differences)]
    return float(finite.max(initial=0))


def _last(detections, faintest, most):
    """The score of the last detection where the list may be full."""
    # Boxes outside the image are dropped, so that a full list is shorter.
    full = len(detections.scores) >= 0.9 * most
    return float(detections.scores[-1]) if full else faintest


def _nearest(left, number, right):
    """Differences to the nearest detection of the same class."""
    there = np.flatnonzero(right.classes == left.classes[number])
    if not len(there):
        return np.inf, np.inf
    boxes = np.abs(right.boxes[there] - left.boxes[number]).max(axis=1)
    scores = np.abs(right.scores[there] - left.scores[number])
    # Boxes at the image's border may be equal: scores tell them apart.
    best = np.lexsort((scores, np.round(boxes, 2)))[0]
    return float(boxes[best]), float(scores[best])


def check(parity: DetectorParity, quantize: str) -> None:
    """Raises `JobError` unless what is asked for holds."""
    bound = parity.bound
    # Not `<`: nan holds no bound.
    if parity.found >= bound.found:
        return
    remedy = "this is a fault of the export, not of the model"
    if quantize != "none":
        remedy = "its weights do not bear this; take --quantize=none"
    elif parity.own and parity.own.found < bound.found:
        remedy = (
            "rounding alone changes what the checkpoint finds there, so they "
            "cannot be compared; give --images as it was trained on"
        )
    raise JobError(
        f"parity: {parity}; {bound.found:.0%} within {bound.box:.2g} px and "
        f"{bound.score:.2g} are asked for, so nothing is kept; {remedy}"
    )
