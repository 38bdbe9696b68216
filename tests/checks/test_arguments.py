"""Sizes of images as arguments and as flags."""

import pytest

from nasnet_tf import InputError
from nasnet_tf.checks.arguments import check_image_size, parse_image_size
from tests.conftest import line_of

EXAMPLES = ("640", "480x640")


@pytest.mark.parametrize(
    ("text", "size"),
    [(None, None), ("224", 224), ("480x640", (480, 640)), ("9X8", (9, 8))],
)
def test_flags_of_sizes(text, size):
    assert parse_image_size(text, EXAMPLES) == size


@pytest.mark.parametrize("text", ["", "x", "big", "1x2x3", "4.5", "4x"])
def test_other_flags_are_one_line(text):
    with pytest.raises(InputError) as error:
        parse_image_size(text, EXAMPLES)
    assert line_of(error) == (
        f"image_size: {text!r} is neither pixels, such as 640, nor "
        "HEIGHTxWIDTH, such as 480x640"
    )


def test_sizes_are_pairs():
    assert check_image_size(7) == (7, 7)
    assert check_image_size([32, 48], least=32) == (32, 48)


@pytest.mark.parametrize(
    ("size", "line"),
    [
        (31, "image_size: 31 is not an integer >= 32"),
        ((32, 31.5), "image_size: 31.5 is not an integer >= 32"),
        (None, "image_size: None is not an integer >= 32"),
        ((1, 2, 3), "image_size: (1, 2, 3) is neither pixels nor (height, w"),
    ],
)
def test_other_sizes_are_one_line(size, line):
    with pytest.raises(InputError) as error:
        check_image_size(size, least=32)
    assert line_of(error).startswith(line)
