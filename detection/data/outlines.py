"""Boxes of outlines: COCO's polygons and run-length encoded masks."""

from detection.data.json_values import is_integer, is_number
from nasnet_tf.checks.packages import check_packages

# Of a compressed mask: six bits a character from "0", of which the highest
# says that the number goes on.
_FIRST, _LAST, _GOES_ON = 48, 111, 32


def outline_box(outline) -> list[float] | None:
    """The box around an outline.

    Args:
        outline: of JSON: polygons, each `[x, y, x, y, ...]`, or `{"size":
            [height, width], "counts": ...}` as pycocotools takes it.

    Returns:
        `[x, y, width, height]` in pixels; None where it is no outline.

    Raises:
        InputError: pycocotools is missing, which a mask needs.
    """
    if isinstance(outline, list) and outline:
        return _polygons_box(outline)
    if isinstance(outline, dict) and _is_mask(outline):
        return _mask_box(outline)
    return None


def _polygons_box(polygons):
    for polygon in polygons:
        if (
            not isinstance(polygon, list)
            or len(polygon) < 6
            or len(polygon) % 2
            or not all(map(is_number, polygon))
        ):
            return None
    x = [value for polygon in polygons for value in polygon[::2]]
    y = [value for polygon in polygons for value in polygon[1::2]]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def _is_mask(outline):
    """Whether pycocotools can take it, which trusts what it is given."""
    size, counts = outline.get("size"), outline.get("counts")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(is_integer(side) and 0 < side < 2**16 for side in size)
        or not counts
    ):
        return False
    if isinstance(counts, list):
        return (
            all(is_integer(count) and count >= 0 for count in counts)
            and sum(counts) == size[0] * size[1]
        )
    return (
        isinstance(counts, str)
        and all(_FIRST <= ord(letter) <= _LAST for letter in counts)
        and not (ord(counts[-1]) - _FIRST) & _GOES_ON
    )


def _mask_box(outline):
    check_packages("segmentation", {"pycocotools": "pycocotools"}, "detection")
    # Of an extra, and few files need it.
    from pycocotools import mask

    encoded = {"size": outline["size"], "counts": outline["counts"]}
    if isinstance(encoded["counts"], list):
        encoded = mask.frPyObjects(encoded, *encoded["size"])
    else:
        encoded["counts"] = encoded["counts"].encode()
    return mask.toBbox(encoded).tolist()
