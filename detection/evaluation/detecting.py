"""Shows a detector one image after the other."""

import collections
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from detection.data.problems import few
from detection.detectors.detections import Detections
from detection.evaluation.ground_truth import GroundTruth
from detection.evaluation.images import is_turned, open_stored
from detection.evaluation.results import to_results
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.images.photos import (
    UNREADABLE,
    open_reduced,
    reduction,
    turned_size,
)
from nasnet_tf.images.skipped import Skipped, reason

Key = TypeVar("Key")
# Seconds between two tellings in a log, where each stays.
_LOG_INTERVAL = 30.0


@dataclasses.dataclass(frozen=True)
class Shown:
    """An image as a detector is shown it.

    Args:
        image: RGB; a large one at a fraction of its size.
        size: `(width, height)` of the whole one.
    """

    image: Image.Image
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the image per pixel of the whole one."""
        return max(self.image.size) / max(self.size)

    def in_whole(self, detections: Detections) -> Detections:
        """What is found in the image, in pixels of the whole one."""
        if self.image.size == self.size:
            return detections
        sides = np.divide(self.size, self.image.size)[::-1]
        boxes = detections.boxes * np.tile(sides, 2).astype(np.float32)
        return dataclasses.replace(detections, boxes=boxes)


def show_upright(path) -> Shown:
    """A photo turned as its EXIF data says."""
    return Shown(open_reduced(path), turned_size(path))


def show_stored(path, row: dict | None = None) -> Shown:
    """An image as annotations refer to it; see `open_stored`."""
    with Image.open(path) as stored:
        size = stored.size
    if reduction(size) == 1:
        image = open_stored(path, row)
        return Shown(image, image.size)
    turned = is_turned(path, row)
    image = open_reduced(path, turn=turned)
    return Shown(image, turned_size(path) if turned else size)


def detect_all(
    detector,
    paths: dict[Key, pathlib.Path],
    read: Callable[[Key, pathlib.Path], Shown],
    skipped: Skipped | None = None,
) -> Iterator[tuple[Key, Shown, Detections]]:
    """Detects objects in images; progress and images a second go to stderr.

    Args:
        detector: of `detection.detectors.load_detector`.
        paths: of the images, by a key of any kind.
        read: takes a key and its path and returns what to show.
        skipped: gets the files that cannot be read; None: one is an error.

    Yields:
        The key, the image and what is found in it, in pixels of the whole
        image.

    Raises:
        InputError: boxes or scores are no finite numbers, or tqdm is missing.
    """
    check_packages("detection", {"tqdm": "tqdm"}, "detection")
    # Of an extra, which the check before tells of.
    from tqdm import tqdm

    rows = tqdm(
        paths.items(),
        desc="detecting",
        unit=" images",
        mininterval=0.2 if sys.stderr.isatty() else _LOG_INTERVAL,
        dynamic_ncols=True,
        # Images a second also where an image takes seconds.
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} "
        "[{elapsed}<{remaining}, {rate_noinv_fmt}]",
    )
    for key, path in rows:
        try:
            shown = read(key, path)
        except UNREADABLE as error:
            if skipped is None:
                raise
            skipped.add(path, reason(path, error))
            continue
        detections = detector.detect(np.array(shown.image))
        if not all(
            np.isfinite(values).all()
            for values in (detections.boxes, detections.scores)
        ):
            raise InputError(
                f"model: {detector.name} gives boxes or scores of {path} that "
                "are not finite numbers; its training diverged or its weights "
                "are damaged, so take an earlier checkpoint"
            )
        yield key, shown, shown.in_whole(detections)


def detect_annotated(detector, truth: GroundTruth, paths: dict) -> list[dict]:
    """Detects objects in all annotated images.

    Detections of ids that no category has are left out, and one line on
    stderr counts them: COCO's ids have gaps, for which a detector has classes
    too.

    Args:
        detector: whose categories are those of the annotations; see
            `check_detector_categories`.
        truth: of `read_ground_truth`.
        paths: of `annotated_images`.

    Returns:
        COCO's results, in the order of the images.

    Raises:
        InputError: see `detect_all`.
    """
    known = truth.categories
    results = []
    gaps: collections.Counter[int] = collections.Counter()

    def read(number, path):
        return show_stored(path, truth.images[number])

    for number, _, detections in detect_all(detector, paths, read):
        for entry in to_results(number, detections):
            if entry["category_id"] in known:
                results.append(entry)
            else:
                gaps[entry["category_id"]] += 1
    if gaps:
        print(
            f"left out {gaps.total():,} detections of the ids "
            f"{few(sorted(gaps))}, which no category has",
            file=sys.stderr,
        )
    return results
