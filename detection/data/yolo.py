"""Annotations in YOLO's format: a text file for each image.

A line is a class and, in parts of the image's sides, x and y of the box's
centre, its width and its height; or x and y of an outline's points.
"""

import pathlib

from PIL import Image

from detection.data import checks
from detection.data.category_names import YAMLS, read_names, read_yaml
from detection.data.file_names import image_ids
from detection.data.json_values import is_number, whole_number
from detection.data.problems import Problems
from detection.data.threads import run_all
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_files import image_files
from nasnet_tf.images.photos import SUFFIXES, UNREADABLE

NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml")
# Folders above that of the label files which may hold one of them.
_ABOVE = 2
# What lies beside label files and is none: names, and lists of images.
_NO_LABELS = {"classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt"}
# What data.yaml calls the sets that users name so.
_SETS = {"validation": "val", "valid": "val"}


def load_yolo(
    path: pathlib.Path,
    images: pathlib.Path,
    labels: pathlib.Path | None,
    problems: Problems,
    workers: int | None,
) -> dict[str, list]:
    """A folder of label files as COCO's lists.

    Categories have the numbers of the classes, from 0. An image without label
    file is one of background. Boxes refer to the image as it is stored.

    Args:
        path: of the folder of .txt files, each where its image is below
            `images`; or of a data.yaml, whose folder they are found by:
            `labels` in place of `images` in the path.
        images: the folder of the images.
        labels: a file with the names of the classes; None: `classes.txt`,
            `obj.names` or `data.yaml` in the folder or above it.
        problems: label files without an image are added, and those that
            cannot be read.
        workers: threads; None: 8.

    Raises:
        InputError: no such folder, no names, or no image has a label file.
    """
    is_yaml = path.suffix.lower() in YAMLS
    folder = _labels_folder(images) if is_yaml else path
    if not folder.is_dir():
        raise InputError(
            f"annotations: {folder} is no folder; give that of the .txt files "
            "with the labels"
        )
    names = _find_names(folder, path if is_yaml else None, labels)
    pictures = image_files(images)
    places = [picture.relative_to(images) for picture in pictures]
    _check_pairs(folder, places, images, problems)

    def read(item, step):
        picture, place = item
        file = folder / place.with_suffix(".txt")
        rows, problem = [], None
        try:
            rows = _objects(file, picture, place.with_suffix(".txt"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no text in UTF-8"
            problem = f"{file.relative_to(folder)}: {reason}"
        step()
        return rows, problem

    items = list(zip(pictures, places, strict=True))
    found = run_all(read, items, len(items), "reading", workers)
    entries: dict[str, list] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": n, "name": name} for n, name in names.items()],
    }
    ids = image_ids(places)
    for number, place, (rows, problem) in zip(ids, places, found, strict=True):
        if problem:
            # Nobody can tell what is in its image.
            problems.add(checks.FILE, problem)
            continue
        entries["images"].append({"id": number, "file_name": place.as_posix()})
        for row in rows:
            row |= {"id": len(entries["annotations"]) + 1, "image_id": number}
            entries["annotations"].append(row)
    return entries


def images_of(path: pathlib.Path, name: str) -> pathlib.Path:
    """The folder of images that a data.yaml gives for a set.

    Args:
        path: of the file.
        name: of the set, such as `"train"` or `"validation"`.

    Raises:
        InputError: it cannot be read, or gives no such folder.
    """
    values = read_yaml(path, "annotations")
    said = values.get(_SETS.get(name, name))
    root = values.get("path") or "."
    if isinstance(said, str) and isinstance(root, str):
        # Roboflow's begin with a folder too high.
        for place in (said, said.removeprefix("../")):
            folder = path.parent / root / place
            if folder.is_dir():
                return folder
    raise InputError(
        f"images: {path} gives {said!r} for the set {name!r}, which is no "
        "folder; give --images, or --name as the file has it"
    )


def _labels_folder(images):
    """Where the labels of a folder of images are: `labels` for `images`."""
    parts = list(images.absolute().parts)
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return pathlib.Path(*parts)


def _find_names(folder, given, labels):
    if labels is not None:
        return read_names(labels, first=0)
    if given is not None:
        return read_names(given, first=0, argument="annotations")
    for place in (folder, *folder.absolute().parents[:_ABOVE]):
        for name in NAME_FILES:
            if (place / name).is_file():
                return read_names(place / name, first=0)
    raise InputError(
        f"labels: no {', '.join(NAME_FILES[:-1])} in {folder} or above it, so "
        "the classes have no names; give a file with a name a line by --labels"
    )


def _check_pairs(folder, places, images, problems):
    wanted = {place.with_suffix(".txt") for place in places}
    there = {
        file.relative_to(folder)
        for file in folder.rglob("*.txt")
        if file.name not in _NO_LABELS
    }
    if not wanted & there:
        raise InputError(
            f"annotations: {folder} has {len(there):,} .txt files and {images} "
            f"{len(places):,} images ({', '.join(SUFFIXES)}), of which none "
            "has the name of another; give folders that belong together"
        )
    for file in sorted(there - wanted):
        problems.add(checks.UNPAIRED, str(file))


def _objects(file, picture, shown):
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    try:
        with Image.open(picture) as image:
            size = image.size
    except UNREADABLE:
        # The check of the images tells of it.
        return []
    return [
        _object(line, size) | {checks.WHERE: f"{shown}, line {number}"}
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _object(line, size):
    first, *rest = line.split()
    # One that is wrong stays text, and is told of.
    box = _box(rest, *size) or line.strip()
    return {"category_id": _class(first), "bbox": box}


def _class(text):
    try:
        return whole_number(float(text))
    except ValueError:
        return text


def _box(texts, width, height):
    """`[x, y, width, height]` in pixels; None where the numbers are wrong."""
    try:
        values = [float(text) for text in texts]
    except ValueError:
        return None
    if not all(map(is_number, values)):
        return None
    if len(values) == 4:
        x, y, wide, high = values
        left, top = x - wide / 2, y - high / 2
    elif len(values) >= 6 and len(values) % 2 == 0:
        left, top = min(values[::2]), min(values[1::2])
        wide, high = max(values[::2]) - left, max(values[1::2]) - top
    else:
        return None
    return [left * width, top * height, wide * width, high * height]
