"""Checks of the files of annotated images."""

import dataclasses
import os
import pathlib
import warnings

from PIL import UnidentifiedImageError

from detection.data import file_names
from detection.data.image_files import ON_THEIR_SIDE, UPRIGHT, read_header
from detection.data.problems import Problems
from detection.data.threads import run_all
from nasnet_tf.checks.errors import first_line
from nasnet_tf.images.photos import UNREADABLE

KINDS = (
    OUTSIDE_FOLDER := "image files outside the folder of images "
    "(--allow_outside reads them)",
    MISSING := "image files missing",
    OTHER_LETTERS := "file names in other letters than their files'",
    OTHER_FOLDERS := "file names in other folders than their files'",
    BACKSLASHES := "file names with backslashes, which are / here",
    NO_FILE := "names of images that no file can have or a folder has",
    UNREADABLE_FILE := "image files unreadable",
    OTHER_SIZE := "images of another size than annotated",
)
# No file has the name.
NAMES = (MISSING, OTHER_LETTERS, OTHER_FOLDERS, BACKSLASHES)
_UNLIKE = {
    file_names.LETTERS: OTHER_LETTERS,
    file_names.FOLDERS: OTHER_FOLDERS,
    file_names.BACKSLASHES: BACKSLASHES,
}


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """The file of an annotated image.

    Args:
        size: width and height in pixels, as annotated.
        num_bytes: of the file.
        is_turned: it was annotated as its EXIF data turns it.
        is_unclear: EXIF data turn it, and its size does not tell whether it
            was annotated so; it is taken as stored.
    """

    size: tuple[int, int]
    num_bytes: int
    is_turned: bool = False
    is_unclear: bool = False


def check_image_files(
    images: dict[int, dict | None],
    folder: pathlib.Path,
    problems: Problems,
    workers: int | None,
    allow_outside: bool = False,
) -> dict[int, ImageFile]:
    """The files by id of the images that are there, of the right size.

    Args:
        images: of `check_images`; a width or height that is missing is taken
            from the file.
        folder: that their names are relative to.
        problems: those of the files are added.
        workers: threads; None: 8.
        allow_outside: read files that are not below the folder.
    """

    def check(item, step):
        number, entry = item
        name, file, problem = entry["file_name"], None, None
        if file_names.is_outside(name) and not allow_outside:
            problem = OUTSIDE_FOLDER, name
        else:
            try:
                header = read_header(folder / name)
            except FileNotFoundError:
                problem = MISSING, name
            except UNREADABLE as error:
                # pathlib's raises of a name that is too long.
                is_file = os.path.isfile(folder / name)  # noqa: PTH113
                kind = UNREADABLE_FILE if is_file else NO_FILE
                problem = kind, f"{name}: {_reason(error)}"
            else:
                file = fitted_file(entry, *header)
                if file is None:
                    said = entry.get("width"), entry.get("height")
                    problem = (
                        OTHER_SIZE,
                        f"{name}: {_size(header[0])}, annotated {_size(said)}",
                    )
        step()
        return number, problem, file

    listed = [(number, entry) for number, entry in images.items() if entry]
    with warnings.catch_warnings():
        # Of EXIF data that are damaged, which turn nothing.
        warnings.simplefilter("ignore", UserWarning)
        results = run_all(check, listed, len(listed), "checking", workers)
    there = file_names.Folder(folder)
    for _, problem, _ in results:
        if not problem:
            continue
        kind, text = problem
        nearest = there.nearest(text) if kind == MISSING else None
        if nearest:
            problems.add(_UNLIKE[nearest[0]], text, nearest[1])
        else:
            problems.add(kind, text)
    return {number: file for number, _, file in results if file}


def fitted_file(
    entry: dict, stored: tuple[int, int], num_bytes: int, orientation: int
) -> ImageFile | None:
    """A file as it was annotated; None where that was another size.

    Args:
        entry: of COCO's `images`; without width and height it fits.
        stored: width and height of the file.
        num_bytes: of the file.
        orientation: of its EXIF data, 1 to 8.
    """
    said = entry.get("width"), entry.get("height")
    turned = stored[::-1]
    if _fits(said, stored):
        # Of a square, or without a size, nothing tells.
        on_side = orientation in ON_THEIR_SIDE
        clear = orientation == UPRIGHT or (on_side and not _fits(said, turned))
        return ImageFile(stored, num_bytes, is_unclear=not clear)
    if orientation in ON_THEIR_SIDE and _fits(said, turned):
        return ImageFile(turned, num_bytes, is_turned=True)
    return None


def _fits(said, size):
    return all(
        one in (None, other) for one, other in zip(said, size, strict=True)
    )


def _size(size):
    return "x".join("?" if side is None else str(side) for side in size)


def _reason(error):
    # Pillow begins with the path where it cannot tell the format.
    if isinstance(error, UnidentifiedImageError):
        return "no image that Pillow knows"
    return first_line(getattr(error, "strerror", None) or error)
