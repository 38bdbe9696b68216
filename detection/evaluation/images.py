"""The images that a detector is shown."""

import pathlib
from collections.abc import Iterable

from PIL import ExifTags, Image

from detection.data.problems import few
from detection.evaluation.ground_truth import GroundTruth
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.photos import SUFFIXES, UNREADABLE, open_photo


def find_images(path, skip: Iterable = ()) -> list[pathlib.Path]:
    """The images below a folder in order, or one file.

    Hidden ones are left out. They are not opened.

    Args:
        path: of the folder, which is searched recursively for .jpg, .jpeg,
            .png, .bmp, .webp and .gif files, or of the file.
        skip: files, and folders that are not searched.

    Raises:
        InputError: no such path, or the folder has no images.
    """
    path = expanded_path("images", path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"images: {path}: no such file or folder")
    skip = {pathlib.Path(entry).resolve() for entry in skip}
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(p.startswith(".") for p in file.relative_to(path).parts)
        and not skip.intersection([file.resolve(), *file.resolve().parents])
    )
    if not found:
        raise InputError(
            f"images: the folder {path} has none; it needs files that end in "
            f"{', '.join(SUFFIXES)}"
        )
    return found


def read_sizes(paths: Iterable[pathlib.Path]) -> list[tuple[int, int]]:
    """The `(width, height)` of images as stored; reads each to its end.

    Raises:
        InputError: some cannot be read as images; names the first ones.
    """
    sizes, bad = [], []
    for path in paths:
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
                # At an eighth of their size JPEGs are read faster, and what
                # is cut off is found too; other formats ignore this.
                image.draft("RGB", (1, 1))
                image.load()
        except UNREADABLE:
            bad.append(path)
    if bad:
        what = "an image" if len(bad) == 1 else "images"
        raise InputError(
            f"images: {few(bad)} cannot be read as {what}; leave out or replace"
        )
    return sizes


def annotated_images(folder, truth: GroundTruth) -> dict[int, pathlib.Path]:
    """The files of annotated images, by image id.

    Args:
        folder: that the names in the annotations begin in.
        truth: of `read_ground_truth`.

    Raises:
        InputError: no such folder, or an image is missing, cannot be read or
            has another size than the annotations say; names the first ones.
    """
    folder = expanded_path("images", folder)
    if not folder.is_dir():
        raise InputError(
            f"images: {folder} is not a folder; give one of images"
        )
    paths = {}
    for number, row in truth.images.items():
        name = row.get("file_name")
        if not name or not isinstance(name, str):
            raise InputError(
                f"annotations: image {number} of {truth.path} has no "
                "file_name; give annotations that name their images"
            )
        paths[number] = folder / name
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise InputError(
            f"images: {folder} lacks {len(missing):,} of the {len(paths):,} "
            f"images of {truth.path} ({few(missing)}); give the folder of "
            "all of them"
        )
    sizes = read_sizes(paths.values())
    for (number, path), size in zip(paths.items(), sizes, strict=True):
        row = truth.images[number]
        said = tuple(row.get(key) for key in ("width", "height"))
        if None not in said and said != size:
            raise InputError(
                f"images: {path} is {size[0]}x{size[1]} pixels, and "
                f"{truth.path} says {said[0]}x{said[1]}; give the images that "
                "were annotated"
            )
    return paths


def open_stored(path) -> Image.Image:
    """An image in RGB with its pixels as stored, which annotations refer to.

    `nasnet_tf.images.photos.open_photo` turns an image as its EXIF data says.
    """
    with Image.open(path) as image:
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            return image.convert("RGB")
    return open_photo(path)
