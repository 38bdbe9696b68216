"""Photos from files and folders, decoded."""

import os
import pathlib
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageOps

from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_files import SUFFIXES, image_files
from nasnet_tf.images.skipped import UNREADABLE, Skipped, reason

__all__ = [
    "LARGE",
    "UNREADABLE",
    "find_photos",
    "open_photo",
    "open_reduced",
    "read_all",
    "read_readable",
    "reduction",
    "turned_size",
    "verify",
]

# An image of more pixels is read at a fraction of its size, which has no more
# pixels than the second number: all that a network sees of it, in a fraction
# of the memory.
LARGE, _REDUCED = 2**25, 2**23
# By EXIF's orientation, what turns an image upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_SIDE = [_TURNS[orientation] for orientation in (5, 6, 7, 8)]
# Pillow refuses twice as many pixels as it warns of; between the two the
# warning would stand amid what a command prints.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def find_photos(paths, strict: bool = False) -> list[pathlib.Path]:
    """The photos among files and folders, in order.

    Args:
        paths: files, or folders that are searched; see
            `nasnet_tf.images.image_files.image_files`; or one such path.
        strict: read those in folders too; else they are not opened.

    Raises:
        InputError: nothing given, a path does not exist, a folder has no
            photos, or files that are named or with `strict` any files are no
            images or cut off; names them all in one line.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    paths = [pathlib.Path(path) for path in paths]
    if not paths:
        raise InputError("photos: none given; name files or folders")
    if missing := [str(path) for path in paths if not path.exists()]:
        raise InputError(
            f"photos: {', '.join(missing)}: no such file or folder"
        )
    photos, named = [], []
    for path in paths:
        if not path.is_dir():
            found = [path]
            named += found
        elif not (found := image_files(path)):
            raise InputError(
                f"photos: the folder {path} has none; it needs files that end "
                f"in {', '.join(SUFFIXES)}"
            )
        photos += found
    photos = list(dict.fromkeys(photos))
    read_all(photos if strict else named, verify)
    return photos


def read_all(photos, read) -> list:
    """The results of `read(photo)`, or one line that names all bad photos.

    Raises:
        InputError: `read` failed on one or more.
    """
    results, bad = [], []
    for photo in photos:
        try:
            results.append(read(photo))
        except UNREADABLE:
            bad.append(str(photo))
    if bad:
        what = "an image" if len(bad) == 1 else "images"
        raise InputError(
            f"photos: {', '.join(bad)} cannot be read as {what}; leave out or "
            "replace"
        )
    return results


def read_readable(photos, read, skipped: Skipped):
    """Yields each photo with the result of `read(photo)`, in order.

    Args:
        photos: paths.
        read: raises one of `UNREADABLE` for a file that is no image.
        skipped: gets those on which it failed.
    """
    for photo in photos:
        try:
            result = read(photo)
        except UNREADABLE as error:
            skipped.add(photo, reason(photo, error))
        else:
            yield photo, result


def verify(photo) -> None:
    """Reads a file to its end.

    Raises:
        Exception: one of `UNREADABLE`; it is no image or is cut off.
    """
    with Image.open(photo) as image:
        # JPEGs are read at an eighth of their size, which is faster and finds
        # what is cut off too; other formats ignore this.
        image.draft("RGB", (1, 1))
        image.load()


def open_photo(path, turn: bool = True) -> Image.Image:
    """A photo of 8 bits in RGB: all commands decode as this does.

    Grey, palettes, CMYK and alpha become RGB, and of an animation it is the
    first picture.

    Args:
        path: of the file, or an open one.
        turn: as its EXIF data says; else as it is stored.
    """
    with Image.open(path) as stored:
        return _plain(stored, turn)


def open_reduced(path, turn: bool = True) -> Image.Image:
    """As `open_photo`; of more than `LARGE` pixels at a fraction of its size.

    Sides are divided by `reduction` and rounded up. JPEGs are decoded at that
    size; of others the mean of the pixels is taken.

    Args:
        path: of the file, or an open one.
        turn: see `open_photo`.
    """
    with Image.open(path) as stored:
        factor = reduction(stored.size)
        if factor == 1:
            return _plain(stored, turn)
        width, height = stored.size
        # Other formats than JPEG ignore it.
        stored.draft(None, (max(1, width // factor), max(1, height // factor)))
        drafted = stored.size != (width, height)
        image = _rgb(stored, drafted)
        if not drafted:
            image = image.reduce(factor)
        # Read as late as this: Pillow turns a TIFF when it decodes it.
        orientation = _orientation(stored)
        if turn and orientation in _TURNS:
            image = image.transpose(_TURNS[orientation])
        return image


def reduction(size: tuple[int, int]) -> int:
    """By what an image's sides are divided when it is read: 1, 2, 4 or 8.

    Args:
        size: two sides in pixels; in any order.
    """
    pixels = size[0] * size[1]
    if pixels <= LARGE:
        return 1
    return next((f for f in (2, 4) if pixels <= f**2 * _REDUCED), 8)


def turned_size(path) -> tuple[int, int]:
    """The `(width, height)` of all of a photo, turned as its EXIF data says.

    Args:
        path: of the file, or an open one.
    """
    with Image.open(path) as image:
        if image.format == "TIFF":
            # Pillow turns it, and tells its size so.
            return image.size
        turn = _TURNS.get(_orientation(image))
        return image.size[::-1] if turn in _ON_SIDE else image.size


def _orientation(image):
    return image.getexif().get(ExifTags.Base.Orientation, 1)


def _plain(stored, turn):
    return _rgb(ImageOps.exif_transpose(stored) if turn else stored, True)


def _rgb(image, copy=False):
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits to 8 instead of scaling them.
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    # A copy of a large one costs as much as the image.
    return image if image.mode == "RGB" and not copy else image.convert("RGB")
