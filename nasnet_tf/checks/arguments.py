"""Checks of arguments: one line that names argument, value and remedy."""

import difflib
import math
import numbers
import pathlib

from nasnet_tf.checks.errors import InputError

MIN_SIZE = 32


def check_choice(what, value, choices):
    """Raises `InputError` naming `what` unless `value` is in `choices`."""
    choices = tuple(choices)
    if value in choices:
        return
    near = difflib.get_close_matches(
        str(value), map(str, choices), n=1, cutoff=0.75
    )
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"{what}: {value!r} is unknown; {hint}choose one of "
        f"{', '.join(map(str, choices))}"
    )


def check_integer(what, value, least=1):
    """Raises `InputError` unless `value` is an integer of `least` or more."""
    is_integer = isinstance(value, numbers.Integral)
    if not is_integer or isinstance(value, bool) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer >= {least}"
        raise InputError(f"{what}: {value!r} is not {kind}")


def check_number(what, value, interval):
    """Raises `InputError` unless a number lies in an interval like "(0, 1]"."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if (
        not is_number
        or math.isnan(value)
        or not low <= value <= high
        or (value == low and interval.startswith("("))
        or (value == high and interval.endswith(")"))
    ):
        raise InputError(f"{what}: {value!r} is not a number in {interval}")


def check_flag(what, value):
    """Raises `InputError` unless `value` is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{what}: {value!r} is neither True nor False")


def check_input_shape(input_shape):
    """Raises `InputError` unless NASNet can read such images.

    Args:
        input_shape: `(height, width, channels)`; height and width 32 or more
            or None.
    """
    what = "input_shape"
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise InputError(
            f"{what}: {input_shape!r} is not (height, width, channels)"
        )
    # Not before it is needed: commands say what their flags are without it.
    import keras

    *size, channels = shape = tuple(input_shape)
    if keras.config.image_data_format() != "channels_last" or (
        size[0] in (1, 3) and channels not in (1, 3, 4)
    ):
        raise InputError(
            f"{what}: {shape} with data format "
            f"{keras.config.image_data_format()!r}: NASNet reads channels_last "
            "only; give (height, width, channels) and call "
            "keras.config.set_image_data_format('channels_last')"
        )
    if channels is None:
        raise InputError(f"{what}: {shape} must give the number of channels")
    check_integer(f"{what} {shape}, channels", channels)
    for side in size:
        if side is None:
            continue
        check_integer(f"{what} {shape}, height and width", side)
        if side < MIN_SIZE:
            raise InputError(
                f"{what}: {shape} is too small; height and width must be "
                f"{MIN_SIZE} or more, or None"
            )


def parse_image_size(text: str | None, examples: tuple[str, str]):
    """Reads a flag of pixels or HEIGHTxWIDTH.

    Args:
        text: such as "224" or "224x320", or None.
        examples: one of each, for the message.

    Returns:
        A number, `(height, width)` or None.

    Raises:
        InputError: it is neither.
    """
    if text is None:
        return None
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise InputError(
            f"image_size: {text!r} is neither pixels, such as {examples[0]}, "
            f"nor HEIGHTxWIDTH, such as {examples[1]}"
        )
    return sides[0] if len(sides) == 1 else tuple(sides)


def parse_integers(name: str, texts: list[str]) -> list[int]:
    """The values of a flag that lists integers.

    Raises:
        InputError: one is no integer.
    """
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise InputError(
            f"{name}: {','.join(texts)!r} are no integers; give 1,2 or so"
        ) from None


def check_image_size(
    image_size, least: int = 1, pixels: str = "pixels"
) -> tuple[int, int]:
    """Checks an image's height and width.

    Args:
        image_size: pixels a side, or `(height, width)`.
        least: pixels that a side must have.
        pixels: what the message calls the former.

    Returns:
        `(height, width)`.

    Raises:
        InputError: it is no such size.
    """
    is_pair = isinstance(image_size, (tuple, list))
    size = tuple(image_size) if is_pair else (image_size, image_size)
    if len(size) != 2:
        raise InputError(
            f"image_size: {image_size!r} is neither {pixels} nor "
            "(height, width)"
        )
    for side in size:
        check_integer("image_size", side, least)
    return size


def expanded_path(what, path) -> pathlib.Path:
    """The path with the folder that `~` stands for; `InputError` if unknown."""
    try:
        return pathlib.Path(path).expanduser()
    except RuntimeError:
        raise InputError(
            f"{what}: {path} begins with a home folder that is not known "
            "here; give the path in full"
        ) from None
