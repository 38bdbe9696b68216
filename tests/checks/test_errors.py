import pytest

from nasnet_tf.checks.errors import InputError, first_line


@pytest.mark.parametrize(
    "error, line",
    [
        (ValueError("one"), "one"),
        (ValueError("one\ntwo"), "one"),
        (ValueError(), "ValueError"),
        (InputError("\n\nthree"), "InputError"),
        ("one\ntwo", "one"),
    ],
)
def test_first_line(error, line):
    assert first_line(error) == line
