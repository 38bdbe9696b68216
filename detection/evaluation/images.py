"""The images that a detector is shown."""

import pathlib
import sys
from collections.abc import Iterable

from PIL import Image

from detection.data.file_names import Folder, is_file, is_outside
from detection.data.image_checks import fitted_file
from detection.data.image_files import orientation
from detection.data.problems import few
from detection.evaluation.ground_truth import GroundTruth
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_files import SUFFIXES, image_files
from nasnet_tf.images.photos import UNREADABLE, open_photo
from nasnet_tf.images.skipped import Skipped, reason


def find_images(path, skip: Iterable = ()) -> list[pathlib.Path]:
    """The images below a folder in order, or one file.

    They are not opened.

    Args:
        path: of the folder, which is searched recursively; see
            `nasnet_tf.images.image_files.image_files`; or of the file.
        skip: files, and folders that are not searched.

    Raises:
        InputError: no such path, or the folder has no images.
    """
    path = expanded_path("images", path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"images: {path}: no such file or folder")
    found = image_files(path, skip)
    if not found:
        raise InputError(
            f"images: the folder {path} has none; it needs files that end in "
            f"{', '.join(SUFFIXES)}"
        )
    return found


def read_sizes(
    paths: Iterable[pathlib.Path], skipped: Skipped | None = None
) -> list[tuple[int, int] | None]:
    """The `(width, height)` of images as stored; reads each to its end.

    Args:
        paths: of the files.
        skipped: gets those that cannot be read, whose size is None; None: one
            is an error.

    Raises:
        InputError: some cannot be read as images; names the first ones.
    """
    sizes: list[tuple[int, int] | None] = []
    bad = []
    for path in paths:
        try:
            with Image.open(path) as image:
                size = image.size
                # At an eighth of their size JPEGs are read faster, and what
                # is cut off is found too; other formats ignore this.
                image.draft("RGB", (1, 1))
                image.load()
            sizes.append(size)
        except UNREADABLE as error:
            if skipped is None:
                bad.append(path)
                continue
            skipped.add(path, reason(path, error))
            sizes.append(None)
    if bad:
        what = "an image" if len(bad) == 1 else "images"
        raise InputError(
            f"images: {few(bad)} cannot be read as {what}; leave out or replace"
        )
    return sizes


def annotated_images(
    folder,
    truth: GroundTruth,
    allow_outside: bool = False,
    skipped: Skipped | None = None,
) -> dict[int, pathlib.Path]:
    """The files of annotated images, by image id.

    Some are turned by their EXIF data where their sizes do not tell whether
    they were annotated so; a line on stderr counts them. See `open_stored`.

    Args:
        folder: that the names in the annotations begin in.
        truth: of `read_ground_truth`.
        allow_outside: read images whose names lead out of the folder.
        skipped: gets the files that cannot be read, which are left out; None:
            one is an error.

    Raises:
        InputError: no such folder, or an image is missing, outside, cannot be
            read (all of them, with `skipped`) or has another size than the
            annotations say; names the first ones.
    """
    folder = expanded_path("images", folder)
    if not folder.is_dir():
        raise InputError(
            f"images: {folder} is not a folder; give one of images"
        )
    names = {n: _file_name(n, row, truth) for n, row in truth.images.items()}
    outside = [name for name in names.values() if is_outside(name)]
    if outside and not allow_outside:
        raise InputError(
            f"images: {truth.path} names {len(outside):,} that lead out of "
            f"{folder} ({few(map(repr, outside))}); give the annotations of "
            "its images, or --allow_outside"
        )
    paths = {number: folder / name for number, name in names.items()}
    missing = [name for n, name in names.items() if not is_file(paths[n])]
    if missing:
        nearest = Folder(folder).nearest(missing[0])
        hint = f"; {nearest[1]}" if nearest else ""
        lacking = (pathlib.PurePath(name).name for name in missing)
        raise InputError(
            f"images: {folder} lacks {len(missing):,} of the {len(paths):,} "
            f"images of {truth.path} ({few(lacking)}{hint}); give the folder "
            "of all of them"
        )
    sizes = read_sizes(paths.values(), skipped)
    known = {
        number: size
        for number, size in zip(paths, sizes, strict=True)
        if size is not None
    }
    if not known:
        raise InputError(
            f"images: none of the {len(paths):,} files of {folder} can be read "
            f"as an image ({skipped}); replace them"
        )
    _check_sizes(paths, known, truth)
    return {number: paths[number] for number in known}


def _file_name(number, row, truth):
    name = row.get("file_name")
    if not name or not isinstance(name, str):
        raise InputError(
            f"annotations: image {number} of {truth.path} has no file_name; "
            "give annotations that name their images"
        )
    return name


def _check_sizes(paths, sizes, truth):
    unclear = 0
    for number, size in sizes.items():
        path, row = paths[number], truth.images[number]
        file = fitted_file(row, size, 0, orientation(path))
        if file is None:
            raise InputError(
                f"images: {path} is {size[0]}x{size[1]} pixels, and "
                f"{truth.path} says {row.get('width')}x{row.get('height')}; "
                "give the images that were annotated"
            )
        unclear += file.is_unclear
    if unclear:
        print(
            f"{unclear:,} images are taken as stored: their EXIF data turn "
            "them, and their sizes do not tell whether they were annotated so",
            file=sys.stderr,
        )


def open_stored(path, row: dict | None = None) -> Image.Image:
    """An image in RGB as annotations refer to it, which is mostly as stored.

    It is turned as its EXIF data says where only that gives the annotated
    size. Where a size does not tell (a square image, one that is turned by
    180 degrees or mirrored, or no size) it is as stored.

    Args:
        path: of the file.
        row: of COCO's `images`; None: it is as stored.
    """
    return open_photo(path, turn=is_turned(path, row))


def is_turned(path, row: dict | None) -> bool:
    """Whether annotations refer to an image as its EXIF data turn it.

    Args:
        path: of the file.
        row: of COCO's `images`, or None.
    """
    if row is None:
        return False
    with Image.open(path) as image:
        file = fitted_file(row, image.size, 0, orientation(path))
    return file is not None and file.is_turned
