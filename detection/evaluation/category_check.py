"""Whether a detector's classes are the categories of the annotations."""

from detection.data.categories import Categories
from detection.data.problems import few
from detection.evaluation.ground_truth import GroundTruth
from detection.evaluation.results import id_range
from nasnet_tf.checks.errors import InputError

_REMEDY = "give the annotations that it was trained for, or another model"


def check_detector_categories(detector, truth: GroundTruth) -> None:
    """Holds a detector's categories to those of annotations.

    Where its names are known, ids and names must be the same. Where they are
    not, the largest id must be its last class.

    Args:
        detector: with `name`, `num_classes` and `categories`; see
            `detection.detectors.load_detector`.
        truth: of `read_ground_truth`.

    Raises:
        InputError: they differ; names the first.
    """
    wanted, own = truth.categories, detector.categories
    # Labels that are not the ids say nothing about which ids there can be.
    renumbered = isinstance(own, Categories) and own.renumbered
    beyond = [n for n in wanted if not 1 <= n < detector.num_classes]
    if beyond and not renumbered:
        raise InputError(
            f"model: {detector.name} has the class ids 1 to "
            f"{detector.num_classes - 1}, and {truth.path} has "
            f"{id_range(wanted)}; {_REMEDY}"
        )
    if not own:
        _check_last(detector, truth)
        return
    for number, name in wanted.items():
        if number in own and own[number] != name:
            raise InputError(
                f"model: category {number} of {detector.name} is "
                f"{own[number]!r} and that of {truth.path} {name!r}; {_REMEDY}"
            )
    for one, other, lacking in (
        (wanted, own, detector.name),
        (own, wanted, truth.path),
    ):
        if missing := sorted(one.keys() - other.keys()):
            names = (f"{number} ({one[number]})" for number in missing)
            raise InputError(
                f"model: category {few(names)}: {lacking} lacks it; {_REMEDY}"
            )


def _check_last(detector, truth):
    last = max(truth.categories)
    if detector.num_classes != last + 1:
        raise InputError(
            f"model: {detector.name} has the class ids 1 to "
            f"{detector.num_classes - 1} without names, and the largest id of "
            f"{truth.path} is {last}; put its categories.json beside it, or "
            "give the annotations that it was trained for"
        )
