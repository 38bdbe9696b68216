"""A data set of annotated images, checked and written as records."""

import dataclasses
import pathlib

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.packages import check_packages


def convert_coco(
    images,
    annotations,
    out,
    name: str = "train",
    shards: int | None = None,
    skip_bad: bool = False,
    first: int | None = None,
    workers: int | None = None,
    keep_ids: bool = False,
    allow_outside: bool = False,
    format: str | None = None,
    labels=None,
    strict: bool = False,
):
    """Checks a data set and writes it as records.

    Args:
        images: the folder of the images; None: what a data.yaml of YOLO gives
            for the set `name`.
        annotations: a COCO file, a folder of Pascal VOC's .xml files, or one
            of YOLO's label files or its data.yaml.
        out: the folder of the records.
        name: of the set, which begins the files' names.
        shards: files; None: by size.
        skip_bad: leave out what is bad; see `read_annotations`.
        first: only so many images of the file are written; None: all.
        workers: threads; None: 8.
        keep_ids: labels are the ids; see `write_records`.
        allow_outside: see `read_annotations`.
        format: see `read_annotations`.
        labels: see `read_annotations`.
        strict: see `read_annotations`.

    Returns:
        The `AnnotationSet` that was read, and the `Records` written.

    Raises:
        DataError: an `InputError` with `problems`: the data set is bad.
        InputError: a bad argument, or records that cannot be written.
    """
    check_packages("coco", {"tqdm": "tqdm"}, extra="detection")
    # They bring TensorFlow and tqdm.
    from detection.data.annotations import read_annotations
    from detection.data.records import check_target, write_records
    from detection.data.yolo import images_of

    check_target(out, name, shards, workers)
    if first is not None:
        check_integer("first", first)
    if images is None:
        images = images_of(pathlib.Path(annotations), name)
    data = read_annotations(
        annotations,
        images,
        skip_bad,
        workers,
        allow_outside,
        format,
        labels,
        strict,
    )
    data = dataclasses.replace(data, images=data.images[:first])
    written = write_records(data, out, name, shards, workers, keep_ids)
    return data, written
