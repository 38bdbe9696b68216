"""Annotations found in a folder, as COCO's, VOC's and YOLO's tools leave it."""

import dataclasses
import json
import pathlib
import re

from detection.data.annotations import AnnotationSet, read_annotations
from detection.data.category_names import YAMLS
from detection.data.formats import COCO, VOC, YOLO
from detection.data.yolo import images_of
from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.images.image_files import image_files

TRAIN, VALIDATION = "train", "validation"
# What the folders and files of a set are called, by a part of their path.
_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
}
# Sets that are neither trained on nor evaluated on here.
_OTHER = ("test", "testing")
# Where images lie beside their annotations.
_IMAGES = ("images", "JPEGImages")
_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class _Found:
    annotations: pathlib.Path
    images: pathlib.Path
    format: str


def read_sets(
    root: pathlib.Path, skip_bad: bool = False, strict: bool = False
) -> dict[str, AnnotationSet]:
    """Finds and reads the annotations of a folder.

    It holds a `data.yaml` of YOLO; COCO files, one or one for each set; .xml
    files of VOC; or `labels/` of YOLO. Sets are told by `train` and `val`,
    `valid` or `validation` in the names of files and folders; one called
    `test` is left alone.

    Args:
        root: the folder.
        skip_bad: see `read_annotations`.
        strict: see `read_annotations`.

    Returns:
        The set `"train"`, and `"validation"` where there is one; names of
        images are relative to `root`, and categories the same in both.

    Raises:
        InputError: nothing or too much is found, or something is bad.
    """
    if not root.is_dir():
        raise InputError(
            f"data: {root} is not a folder; give one of images and their "
            "annotations"
        )
    found = _find(root)
    sets = {}
    for name, place in found.items():
        data = read_annotations(
            place.annotations,
            place.images,
            skip_bad,
            format=place.format,
            strict=strict,
        )
        images = tuple(
            dataclasses.replace(
                image, file_name=image.path.relative_to(root).as_posix()
            )
            for image in data.images
        )
        sets[name] = dataclasses.replace(data, images=images)
    if VALIDATION in sets:
        sets[VALIDATION] = _as_in(sets[TRAIN], sets[VALIDATION])
    return sets


def _find(root):
    for find in (_yolo_file, _coco, _voc, _yolo):
        if found := find(root):
            return found
    raise InputError(
        f"data: {root} has no annotations: neither a COCO file (.json), nor "
        "Pascal VOC's .xml files, nor YOLO's data.yaml or labels/; give the "
        "folder that holds them"
    )


def _yolo_file(root):
    files = [p for p in sorted(root.iterdir()) if p.suffix.lower() in YAMLS]
    files = [path for path in files if path.stem in ("data", "dataset")]
    if not files:
        return None
    found = {TRAIN: _Found(files[0], images_of(files[0], TRAIN), YOLO)}
    try:
        images = images_of(files[0], VALIDATION)
    except InputError:
        # Some name none.
        return found
    if images.resolve() == found[TRAIN].images.resolve():
        return found
    return found | {VALIDATION: _Found(files[0], images, YOLO)}


def _coco(root):
    files = {}
    for path in _visible(root, "*.json"):
        names = _image_names(path)
        if names is not None:
            files[path] = names
    sets = _by_set(root, list(files))
    return sets and {
        name: _Found(path, _images_folder(root, path, files[path]), COCO)
        for name, path in sets.items()
    }


def _image_names(path):
    """The first names of a COCO file's images; None of another file."""
    try:
        content = json.loads(path.read_bytes())
        names = [entry["file_name"] for entry in content["images"][:_SHOWN]]
        return names if "annotations" in content else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _images_folder(root, path, names):
    """The folder that most of the names are relative to."""
    around = (path.parent, path.parent.parent, root)
    folders = [folder / below for folder in around for below in ("", *_IMAGES)]
    # COCO's own: `annotations/instances_train2017.json` beside `train2017/`.
    folders += [folder for folder in sorted(root.iterdir()) if folder.is_dir()]

    def count(folder):
        return sum((folder / str(name)).is_file() for name in names)

    return max(folders, key=count)


def _voc(root):
    folders = {path.parent for path in _visible(root, "*.xml")}
    sets = _by_set(root, sorted(folders))
    return sets and {
        name: _Found(folder, _beside(root, folder), VOC)
        for name, folder in sets.items()
    }


def _beside(root, folder):
    """The folder of the images of VOC's `Annotations`."""
    for place in (folder, folder.parent, root):
        for below in (*_IMAGES, ""):
            if (place / below).is_dir() and _has_images(place / below):
                return place / below
    return root


def _has_images(folder):
    return any(path.parent == folder for path in image_files(folder))


def _yolo(root):
    labels = root / "labels"
    images = root / "images"
    if not labels.is_dir() or not images.is_dir():
        return None
    sets = {}
    for folder in sorted(p for p in labels.iterdir() if p.is_dir()):
        name = _WORDS.get(folder.name.lower())
        if name and (images / folder.name).is_dir():
            sets[name] = _Found(folder, images / folder.name, YOLO)
    return sets if TRAIN in sets else {TRAIN: _Found(labels, images, YOLO)}


def _by_set(root, paths):
    """Which of several files or folders is of which set."""
    if not paths:
        return None
    sets: dict[str, list[pathlib.Path]] = {}
    for path in paths:
        words = re.findall(r"[a-z]+", str(path.relative_to(root)).lower())
        if any(word in _OTHER for word in words):
            continue
        names = {_WORDS[word] for word in words if word in _WORDS}
        sets.setdefault(names.pop() if len(names) == 1 else TRAIN, []).append(
            path
        )
    if len(paths) == 1 and not sets:
        sets = {TRAIN: paths}
    several = [some for some in sets.values() if len(some) > 1]
    if several or TRAIN not in sets:
        shown = [str(path.relative_to(root)) for path in paths]
        raise InputError(
            f"data: {root} has annotations in several places ("
            f"{listed(shown)}), and which is to train on is not plain; call "
            "them train and val, or give a folder with one of them"
        )
    return {name: some[0] for name, some in sets.items()}


def _visible(root, pattern):
    return sorted(
        path
        for path in root.rglob(pattern)
        if not any(p.startswith(".") for p in path.relative_to(root).parts)
    )


def _as_in(training, validation):
    """The set to evaluate on with the category ids of that to train on.

    Tools number the categories of each set by those that are in it.
    """
    ids = {name: number for number, name in training.categories.items()}
    unknown = [
        name for name in validation.categories.values() if name not in ids
    ]
    used = {
        validation.categories[annotation.category_id]
        for image in validation.images
        for annotation in image.annotations
    }
    if missing := [name for name in unknown if name in used]:
        raise InputError(
            f"data: the category {missing[0]!r} of the images to evaluate on "
            "is not among those to train on "
            f"({listed(list(ids))}); mend one of the two"
        )
    images = tuple(
        dataclasses.replace(
            image,
            annotations=tuple(
                dataclasses.replace(
                    a, category_id=ids[validation.categories[a.category_id]]
                )
                for a in image.annotations
            ),
        )
        for image in validation.images
    )
    return dataclasses.replace(
        validation, images=images, categories=training.categories
    )
