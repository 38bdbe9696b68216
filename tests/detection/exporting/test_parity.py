"""When two detectors find the same, and what rounding excuses."""

import numpy as np
import pytest

from detection.detectors.detections import Detections
from detection.exporting.parity import (
    BOUNDS,
    WIDEST,
    DetectorBound,
    check,
    compare,
    own_differences,
    widened,
)
from nasnet_tf.checks.errors import JobError
from tests.conftest import line_of


def boxes_of(*rows):
    """Detections of rows of box, score and class."""
    boxes, scores, classes = zip(*rows, strict=True)
    return Detections(
        np.array(boxes, np.float32), np.float32(scores), np.int32(classes)
    )


def parity_of(one, other):
    return compare([one], [other], "x", BOUNDS["none"], 0.05, 100)


def test_parity_matches_by_class_and_place():
    one = boxes_of(
        ([0, 0, 9, 9], 0.9, 1), ([20, 0, 29, 9], 0.9, 1), ([0, 0, 9, 9], 0.3, 2)
    )
    # The first two in another order, and a little elsewhere.
    other = boxes_of(
        ([20, 0, 29, 9.0005], 0.9, 1),
        ([0, 0, 9, 9], 0.900001, 1),
        ([0, 0, 9, 9], 0.3, 2),
    )
    parity = parity_of(one, other)
    assert parity.found == 1.0 and parity.detections == 3
    np.testing.assert_allclose(parity.box, 5e-4, rtol=0.02)
    np.testing.assert_allclose(parity.score, 1e-6, rtol=0.2)
    check(parity, "none")


@pytest.mark.parametrize(
    "row, found",
    [
        (([0, 0, 9, 9.01], 0.9, 1), 0.0),
        (([0, 0, 9, 9], 0.9001, 1), 0.0),
        (([0, 0, 9, 9], 0.9, 2), 0.0),
        (([0, 0, 9, 9], np.nan, 1), 0.0),
    ],
)
def test_parity_fails(row, found):
    parity = parity_of(boxes_of(([0, 0, 9, 9], 0.9, 1)), boxes_of(row))
    assert parity.found == found
    with pytest.raises(JobError) as error:
        check(parity, "none")
    assert "this is a fault of the export" in line_of(error)


def test_parity_leaves_the_faintest_out():
    one = boxes_of(([0, 0, 9, 9], 0.9, 1), ([0, 0, 5, 5], 0.0500001, 1))
    other = boxes_of(([0, 0, 9, 9], 0.9, 1))
    assert parity_of(one, other).found == 1.0
    assert parity_of(other, one).found == 1.0
    one = boxes_of(([0, 0, 9, 9], 0.9, 1), ([0, 0, 5, 5], 0.06, 1))
    assert parity_of(one, other).found == pytest.approx(2 / 3)


def test_rounding_widens_the_bound():
    one = [boxes_of(([0, 0, 9, 9], 0.9, 1), ([20, 0, 29, 9], 0.8, 2))]
    strict = BOUNDS["none"]
    rows = ([0, 0, 9, 9.004], 0.90005, 1), ([20, 0, 29, 9], 0.8, 2)
    own = own_differences(one, [boxes_of(*rows)], 0.05, 100)
    np.testing.assert_allclose((own.box, own.score), (4e-3, 5e-5), rtol=0.01)
    assert own.found == 1
    bound = widened(strict, own)
    np.testing.assert_allclose(
        (bound.box, bound.score), (1.6e-2, 2e-4), rtol=0.01
    )
    assert bound.found == 0.99
    near = [boxes_of(([0, 0, 9, 9.015], 0.90019, 1), rows[1])]
    far = [boxes_of(([0, 0, 9, 9.017], 0.9, 1), rows[1])]
    check(compare(one, near, "x", bound, 0.05, 100, own), "none")
    parity = compare(one, far, "x", bound, 0.05, 100, own)
    assert parity.found == 0.5
    with pytest.raises(JobError) as error:
        check(parity, "none")
    line = line_of(error)
    assert "moves the checkpoint's boxes by 4.0e-03 px" in line
    assert "99% within 0.016 px and 0.0002 are asked for" in line
    assert "this is a fault of the export" in line


def test_the_bound_is_strict_where_rounding_holds_it_and_never_wide():
    strict = BOUNDS["none"]
    assert widened(strict, DetectorBound(1e-3, 1e-5)) == strict
    assert widened(strict, DetectorBound(1e-4, 1e-6, 0.999)) == DetectorBound(
        1e-3, 1e-5, 0.99
    )
    assert widened(strict, DetectorBound(0.09, 9e-4)) == WIDEST


def test_rounding_that_leaves_nothing_to_compare():
    one = [boxes_of(([0, 0, 9, 9], 0.9, 1))]
    other = [boxes_of(([0, 0, 9, 9], 0.9, 2))]
    own = own_differences(one, other, 0.05, 100)
    assert own == DetectorBound(0.0, 0.0, 0.0)
    bound = widened(BOUNDS["none"], own)
    with pytest.raises(JobError) as error:
        check(compare(one, other, "x", bound, 0.05, 100, own), "none")
    assert "they cannot be compared; give --images" in line_of(error)
