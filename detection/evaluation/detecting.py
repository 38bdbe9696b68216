"""Shows a detector one image after the other."""

import collections
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from detection.data.problems import few
from detection.detectors.detections import Detections
from detection.evaluation.ground_truth import GroundTruth
from detection.evaluation.images import open_stored
from detection.evaluation.results import to_results
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages

Key = TypeVar("Key")
# Seconds between two tellings in a log, where each stays.
_LOG_INTERVAL = 30.0


def detect_all(
    detector,
    paths: dict[Key, pathlib.Path],
    read: Callable[[Key, pathlib.Path], Image.Image],
) -> Iterator[tuple[Key, Image.Image, Detections]]:
    """Detects objects in images; progress and images a second go to stderr.

    Args:
        detector: of `detection.detectors.load_detector`.
        paths: of the images, by a key of any kind.
        read: takes a key and its path and returns an RGB image.

    Yields:
        The key, the image and what is found in it.

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
        image = read(key, path)
        detections = detector.detect(np.array(image))
        if not all(
            np.isfinite(values).all()
            for values in (detections.boxes, detections.scores)
        ):
            raise InputError(
                f"model: {detector.name} gives boxes or scores of {path} that "
                "are not finite numbers; its training diverged or its weights "
                "are damaged, so take an earlier checkpoint"
            )
        yield key, image, detections


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
        return open_stored(path, truth.images[number])

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
