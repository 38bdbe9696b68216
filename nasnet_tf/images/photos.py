"""Photos from files and folders, decoded."""

import os
import pathlib
import struct

import numpy as np
from PIL import Image, ImageOps

from nasnet_tf.checks.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif")
# What Pillow raises for files that are no images or are damaged.
UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    struct.error,
    Image.DecompressionBombError,
)


def find_photos(paths) -> list[pathlib.Path]:
    """The photos among files and folders, in order.

    Args:
        paths: files, or folders that are searched recursively for .jpg,
            .jpeg, .png, .bmp, .webp and .gif files; or one such path.

    Raises:
        InputError: nothing given, a path does not exist, a folder has no
            photos, or files are no images or cut off; names them all in one
            line.
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
    photos = []
    for path in paths:
        found = [path]
        if path.is_dir():
            found = sorted(
                file
                for file in path.rglob("*")
                if file.suffix.lower() in SUFFIXES and file.is_file()
            )
        if not found:
            raise InputError(
                f"photos: the folder {path} has none; it needs files that end "
                f"in {', '.join(SUFFIXES)}"
            )
        photos += found
    photos = list(dict.fromkeys(photos))
    read_all(photos, _verify)
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


def _verify(photo):
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
        image = ImageOps.exif_transpose(stored) if turn else stored
        if image.mode.startswith("I;16"):
            # Pillow would clip 16 bits to 8 instead of scaling them.
            image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
        return image.convert("RGB")
