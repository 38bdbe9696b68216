"""Images of a data set as files: what their headers say."""

import pathlib

from PIL import ExifTags, Image

from nasnet_tf.images.photos import UNREADABLE

# Model Garden's decoder reads these as they are, grey, CMYK, with a palette or
# with alpha too. "MPO" is what Pillow calls a JPEG with more pictures behind.
KEPT_FORMATS = ("JPEG", "MPO", "PNG")
_ENDS = {
    "JPEG": b"\xff\xd9",
    "MPO": b"\xff\xd9",
    "PNG": b"\0\0\0\0IEND\xaeB`\x82",
}
# EXIF's orientations that turn by 90 degrees.
_ON_ITS_SIDE = range(5, 9)


def read_header(path: pathlib.Path) -> tuple[tuple[int, int], int]:
    """The size of an image, without decoding it.

    A JPEG or PNG that is cut off is found by its end. Other formats, and files
    that go on behind the image, are decoded.

    Args:
        path: of the file.

    Returns:
        `(width, height)` as stored, whatever its EXIF data says, and the
        number of bytes of the file.

    Raises:
        FileNotFoundError: there is no such file.
        Exception: one of `nasnet_tf.images.photos.UNREADABLE`; no image,
            or damaged.
    """
    with path.open("rb") as file, Image.open(file) as image:
        position = file.tell()
        size, num_bytes = image.size, file.seek(0, 2)
        end = _ENDS.get(image.format or "")
        if end:
            file.seek(-min(len(end), num_bytes), 2)
        is_whole = end and file.read() == end
        file.seek(position)
        if not is_whole:
            # A JPEG at an eighth of its size, which is faster.
            image.draft("RGB", (1, 1))
            image.load()
    return size, num_bytes


def is_on_its_side(path: pathlib.Path) -> bool:
    """Whether viewers turn the image by 90 degrees for its EXIF data."""
    try:
        with Image.open(path) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation)
            return orientation in _ON_ITS_SIDE
    except UNREADABLE:
        return False
