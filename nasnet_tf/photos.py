"""Photos from files and folders, as a network takes them."""

import os
import pathlib
import struct

import numpy as np
from PIL import Image, ImageOps

from nasnet_tf.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif")
CROP = 0.875
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


def open_photo(path) -> Image.Image:
    """A photo of 8 bits in RGB, turned as its EXIF data says."""
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            # Pillow would clip 16 bits to 8 instead of scaling them.
            image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
        return image.convert("RGB")


def read_photo(path, size, channels: int = 3, crop: bool = True) -> np.ndarray:
    """Reads a photo as a network takes it.

    With `crop` the middle 87.5 % of its height and of its width are taken, as
    TF-slim's evaluation does. The rest is resized to `size`, bilinear; its
    proportions are not kept.

    Args:
        path: of the photo.
        size: `(height, width)` in pixels.
        channels: 3 for RGB or 1 for grey.
        crop: see above.

    Returns:
        Floats `(height, width, channels)` of 0 to 255.
    """
    image = open_photo(path)
    if channels == 1:
        image = image.convert("L")
    width, height = image.size
    if crop:
        left = round(width * (1 - CROP) / 2)
        top = round(height * (1 - CROP) / 2)
        image = image.crop((left, top, width - left, height - top))
    image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    pixels = np.asarray(image, "float32")
    return pixels.reshape(*size, channels)
