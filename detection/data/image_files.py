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
# Where a PNG's header has EXIF data, or what Pillow reads in their place.
_PNG_EXIF = {"exif", "Raw profile type exif", "XML:com.adobe.xmp"}
# EXIF's orientations: as stored, and those that turn by 90 degrees. Others
# turn by 180 degrees or mirror.
UPRIGHT = 1
ON_THEIR_SIDE = range(5, 9)


def read_header(path: pathlib.Path) -> tuple[tuple[int, int], int, int]:
    """The size of an image and how it is turned, without decoding it.

    A JPEG or PNG that is cut off is found by its end. Other formats, and files
    that go on behind the image, are decoded.

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
    with path.open("rb") as file, Image.open(file) as image:
        position = file.tell()
        size, num_bytes = image.size, file.seek(0, 2)
        turn = _orientation(image)
        end = _ENDS.get(image.format or "")
        if end:
            file.seek(-min(len(end), num_bytes), 2)
        is_whole = end and file.read() == end
        file.seek(position)
        if not is_whole:
            # A JPEG at an eighth of its size, which is faster.
            image.draft("RGB", (1, 1))
            image.load()
    return size, num_bytes, turn


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
