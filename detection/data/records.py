"""TFRecord files that Model Garden's detection tasks read."""

import contextlib
import dataclasses
import json
import math
import pathlib
import random
import re
import shutil

import tensorflow as tf

from detection.data.annotations import AnnotationSet
from detection.data.categories import (
    CATEGORIES_FILE,
    Categories,
    labelled,
    read_categories,
    write_categories,
)
from detection.data.coco_file import coco_content
from detection.data.examples import serialized_example
from detection.data.formats import COCO, VOC
from detection.data.threads import run_all
from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.files.output_file import cannot_be_written, make_folder
from nasnet_tf.files.replaced_files import replaced_files

# Files of 100 MB are read well from any disk; jobs that read in parallel or
# with several workers want some files.
_SHARD_BYTES = 100e6
_LEAST_SHARDS, _MOST_SHARDS = 8, 1024
# The number in a file's name has five digits.
_LARGEST_COUNT = 99_999
# Of an example without its image, about.
_EXAMPLE_BYTES = 1000
_ORDER_SEED = 0
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.tfrecord")


@dataclasses.dataclass(frozen=True)
class Records:
    """What `write_records` wrote.

    Args:
        paths: of the record files, in order.
        categories: the path of `categories.json`.
        annotations: that of the set as a COCO file; None where it was one.
        num_classes: that it asks a network for, the background included.
        images: how many.
        without_boxes: how many of them are background only.
        boxes: how many, crowds included.
        crowds: how many.
        num_bytes: of all record files.
    """

    paths: tuple[pathlib.Path, ...]
    categories: pathlib.Path
    annotations: pathlib.Path | None
    num_classes: int
    images: int
    without_boxes: int
    boxes: int
    crowds: int
    num_bytes: int

    @property
    def pattern(self) -> str:
        """The files as a job's `input_path` names them."""
        return re.sub(r"-\d{5}-of", "-*-of", str(self.paths[0]))


def check_target(
    out, name: str, shards: int | None, workers: int | None
) -> pathlib.Path:
    """Tells before long work whether records can be written.

    Args:
        out: the folder; made where it is missing.
        name: see `write_records`.
        shards: see `write_records`.
        workers: see `write_records`.

    Returns:
        The folder's path.

    Raises:
        InputError: a bad argument, or a folder that cannot be made.
    """
    if not re.fullmatch(r"\w[\w.-]*", name) or len(name) > 100:
        raise InputError(
            f"name: {name!r} begins the files' names; use letters, digits, "
            "'_', '-' and '.' only, such as --name=train"
        )
    for what, value in (("shards", shards), ("workers", workers)):
        if value is not None:
            check_integer(what, value)
    if shards and shards > _LARGEST_COUNT:
        raise InputError(
            f"shards: {shards} are too many; {_LARGEST_COUNT} is the most"
        )
    return make_folder(out)


def write_records(
    data: AnnotationSet,
    out,
    name: str = "train",
    shards: int | None = None,
    workers: int | None = None,
    keep_ids: bool = False,
    most_side: int | None = None,
) -> Records:
    """Writes `<name>-00000-of-00008.tfrecord` and so on.

    For what they hold see `serialized_example`. Images are shuffled, always in
    the same way, for neighbours in a file are often alike.

    All is written in a folder beside and then renamed, in place of an earlier
    set of that name. `categories.json` lists `{"id": ..., "name": ...,
    "label": ...}`: the ids of the annotations, and the labels in the records,
    1 to N in the order of the ids. A set that was not read from a COCO file is
    written as one too, `annotations-<name>.json`.

    Args:
        data: of `read_annotations`.
        out: the folder; it may hold sets of other names with the same
            categories.
        name: of the set, such as `"train"`.
        shards: files; None: 8, or more so that each has about 100 MB, but no
            more than images.
        workers: threads, each of which writes one file at a time; None: 8.
        keep_ids: labels are the ids; see `detection.data.categories.labelled`.
        most_side: larger images are shrunk to so many pixels; None: none are.

    Raises:
        InputError: a bad argument, a folder that cannot be written or whose
            other sets have other categories, or an image that went away.
    """
    out = check_target(out, name, shards, workers)
    num_bytes = sum(image.num_bytes + _EXAMPLE_BYTES for image in data.images)
    shards = shards or _shards(len(data.images), num_bytes)
    if shards > len(data.images):
        raise InputError(
            f"shards: {shards} are more than the {len(data.images)} images; "
            "give fewer"
        )
    categories = labelled(data.categories, keep_ids)
    _check_categories(out, name, categories, data.format)
    annotations = None if data.format == COCO else f"annotations-{name}.json"
    images = list(data.images)
    random.Random(_ORDER_SEED).shuffle(images)
    names = [
        f"{name}-{number:05d}-of-{shards:05d}.tfrecord"
        for number in range(shards)
    ]
    with replaced_files(out, name, _find(out, name)) as work:
        _check_room(work, num_bytes)
        parts = [
            (
                work / names[number],
                images[number::shards],
                categories,
                most_side,
            )
            for number in range(shards)
        ]
        sizes = run_all(
            lambda part, step: _write_shard(*part, step=step),
            parts,
            len(images),
            "writing",
            workers,
        )
        write_categories(work / CATEGORIES_FILE, categories)
        if annotations:
            text = json.dumps(coco_content(data))
            (work / annotations).write_text(text, encoding="utf-8")
    boxes = [box for image in images for box in image.annotations]
    return Records(
        paths=tuple(out / name for name in names),
        categories=out / CATEGORIES_FILE,
        annotations=out / annotations if annotations else None,
        num_classes=categories.num_classes,
        images=len(images),
        without_boxes=sum(not image.annotations for image in images),
        boxes=len(boxes),
        crowds=sum(box.is_crowd for box in boxes),
        num_bytes=sum(sizes),
    )


def check_whole(paths, argument: str = "input_path") -> list[pathlib.Path]:
    """Tells that no file of a set of records is missing.

    A conversion that was killed while it renamed its files leaves a part.

    Args:
        paths: of files; those not named as by `write_records` are not judged.
        argument: what the user gave the paths as.

    Returns:
        The paths.

    Raises:
        InputError: a file `-of-00008` is there and not all eight are.
    """
    paths = [pathlib.Path(path) for path in paths]
    sets: dict[tuple[pathlib.Path, int], set[int]] = {}
    for path in paths:
        if match := _SHARD.fullmatch(path.name):
            key = path.parent / match[1], int(match[3])
            sets.setdefault(key, set()).add(int(match[2]))
    for (prefix, count), numbers in sets.items():
        if missing := sorted(set(range(count)) - numbers):
            raise InputError(
                f"{argument}: {len(missing)} of the {count} files of {prefix} "
                f"are missing (the first: number {missing[0]:05d}); convert "
                "again with python -m detection.coco"
            )
    return paths


def _shards(images, num_bytes):
    wanted = math.ceil(num_bytes / _SHARD_BYTES)
    return min(images, max(_LEAST_SHARDS, min(_MOST_SHARDS, wanted)))


def _find(out, name=None):
    """Record files of a name, or of all names by default."""
    found = [(path, _SHARD.fullmatch(path.name)) for path in out.iterdir()]
    return [path for path, match in found if match and name in (None, match[1])]


def _check_categories(out, name, categories, format):
    """Sets in one folder share `categories.json`."""
    written = (out / CATEGORIES_FILE).exists()
    if not written or len(_find(out)) == len(_find(out, name)):
        return
    there = Categories()
    with contextlib.suppress(InputError):
        there = read_categories(out)
    differing = [
        number
        for number in sorted(there.keys() | categories.keys())
        if there.get(number) != categories.get(number)
    ]
    if differing:
        first = differing[0]
        # Its categories are those that a set happens to have.
        remedy = ", or --labels for all sets" if format == VOC else ""
        raise InputError(
            f"out: {out} holds records with other categories ({first} is "
            f"{there.get(first)!r} there and {categories.get(first)!r} here); "
            f"give a folder of its own{remedy}"
        )
    if there.labels != categories.labels:
        raise InputError(
            f"out: {out} holds records with other labels of the same "
            "categories, such as those of an earlier version or of "
            "--keep_ids; give a folder of its own, or convert all sets alike"
        )


def _check_room(folder, num_bytes):
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise InputError(
            f"out: {folder.parent} has {free / 1e9:.1f} GB free, and the "
            f"records take {num_bytes / 1e9:.1f} GB; make room, or give "
            "another folder"
        )


def _write_shard(path, images, categories, most_side, step):
    """Writes a file; returns its bytes."""
    try:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for image in images:
                writer.write(serialized_example(image, categories, most_side))
                step()
        return path.stat().st_size
    except tf.errors.OpError as error:
        # TensorFlow's text is the path, a semicolon and the reason.
        reason = OSError(first_line(error.message).rpartition("; ")[2])
        raise cannot_be_written("out", path, reason) from None
