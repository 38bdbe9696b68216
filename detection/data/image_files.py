"""Images of a data set as files: what their headers say."""

import pathlib

from PIL import ExifTags, Image

from nasnet_tf.images.photos import UNREADABLE

# Model Garden's decoder reads these as they are, grey, CMYK, with a palette or
# with alpha too. "MPO" is what Pillow calls a JPEG with more pictures behind.
KEPT_FORMATS = ("JPEG", "MPO", "PNG")
# Where a PNG's header has EXIF data, or what Pillow reads in their place.
_PNG_EXIF = {"exif", "Raw profile type exif", "XML:com.adobe.xmp"}
# EXIF's orientations: as stored, and those that turn by 90 degrees. Others
# turn by 180 degrees or mirror.
UPRIGHT = 1
ON_THEIR_SIDE = range(5, 9)


def read_header(path: pathlib.Path) -> tuple[tuple[int, int], int, int]:
    """The size of an image and how it is turned, of one that can be decoded.

    A JPEG is decoded at an eighth of its size and a PNG's checksums are
    compared, which both find what TensorFlow's decoder would stop at; other
    formats are decoded.

    Args:
        path: of the file.

    Returns:
        `(width, height)` as stored, whatever its EXIF data says, the number
        of bytes of the file, and the orientation of the EXIF data, 1 to 8.

    Raises:
        FileNotFoundError: there is no such file.
        Exception: one of `nasnet_tf.images.photos.UNREADABLE`; no image,
            or damaged.
    """
    with Image.open(path) as image:
        size, turn = image.size, _orientation(image)
        is_png = image.format == "PNG"
        if not is_png:
            image.draft("RGB", (1, 1))
            image.load()
    if is_png:
        with Image.open(path) as image:
            image.verify()
    return size, path.stat().st_size, turn


def orientation(path: pathlib.Path) -> int:
    """How viewers turn an image for its EXIF data, 1 to 8; 1 is as stored.

    Raises:
        Exception: see `read_header`.
    """
    with Image.open(path) as image:
        return _orientation(image)


def _orientation(image):
    if image.format == "PNG" and not _PNG_EXIF.intersection(image.info):
        # Pillow would decode the image to look behind it too.
        return UPRIGHT
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    # EXIF data can be damaged where the image is whole.
    except UNREADABLE:
        return UPRIGHT
    return turn if turn in range(1, 9) else UPRIGHT
