r"""Turns a data set in COCO's format into TFRecords for Model Garden.

python -m detection.coco --images=coco/train2017 \
    --annotations=coco/annotations/instances_train2017.json \
    --out=records --name=train --skip_bad

Everything is checked first. COCO's own train2017 has two boxes of height 0,
which --skip_bad leaves out.
"""

import dataclasses
import sys

from absl import flags

from nasnet_tf.checks.arguments import check_integer, expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.terminal import command_line


def convert(
    images,
    annotations,
    out,
    name: str = "train",
    shards: int | None = None,
    skip_bad: bool = False,
    first: int | None = None,
    workers: int | None = None,
):
    """Checks a data set and writes it as records.

    Args:
        images: the folder of the images.
        annotations: the COCO file.
        out: the folder of the records.
        name: of the set, which begins the files' names.
        shards: files; None: by size.
        skip_bad: leave out what is bad; see `read_annotations`.
        first: only so many images of the file are written; None: all.
        workers: threads; None: 8.

    Returns:
        The `AnnotationSet` that was read, and the `Records` written.

    Raises:
        DataError: an `InputError` with `problems`: the data set is bad.
        InputError: a bad argument, or records that cannot be written.
    """
    check_packages("coco", {"tqdm": "tqdm"}, extra="detection")
    # Both need tqdm, and records TensorFlow, which help does without.
    from detection.data.annotations import read_annotations
    from detection.data.records import check_target, write_records

    check_target(out, name, shards, workers)
    if first is not None:
        check_integer("first", first)
    data = read_annotations(annotations, images, skip_bad, workers)
    data = dataclasses.replace(data, images=data.images[:first])
    return data, write_records(data, out, name, shards, workers)


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    for flag in ("images", "annotations", "out"):
        if not getattr(values, flag):
            raise InputError(f"{flag}: missing; give it as --{flag}=PATH")
    try:
        data, records = convert(
            expanded_path("images", values.images),
            expanded_path("annotations", values.annotations),
            expanded_path("out", values.out),
            name=values.name,
            shards=values.shards,
            skip_bad=values.skip_bad,
            first=values.first,
            workers=values.workers,
        )
    except InputError as error:
        if problems := getattr(error, "problems", None):
            print(problems.report(), file=sys.stderr)
        raise
    if data.problems.total:
        print(data.problems.report(), file=sys.stderr)
        print(
            f"left out {data.dropped_images:,} images, "
            f"{data.dropped_annotations:,} annotations (theirs included) and "
            f"{data.dropped_categories:,} categories"
        )
    print(
        f"wrote {records.images:,} images ({records.without_boxes:,} without "
        f"boxes), {records.boxes:,} boxes ({records.crowds:,} crowds) of "
        f"{len(data.categories)} categories, {records.num_bytes / 1e6:.1f} MB\n"
        f"records: {records.pattern}, {len(records.paths)} files\n"
        f"categories: {records.categories}, num_classes "
        f"{max(data.categories) + 1}"
    )


def define_flags():
    flags.DEFINE_string("images", None, "The folder of the images.")
    flags.DEFINE_string("annotations", None, "The COCO file, a .json.")
    flags.DEFINE_string("out", None, "The folder for the records.")
    flags.DEFINE_string("name", "train", "Of the set: begins the files' names.")
    flags.DEFINE_integer(
        "shards", None, "Files; default: 8, or more of 100 MB each."
    )
    flags.DEFINE_boolean(
        "skip_bad", False, "Leave out what is bad, and say what that was."
    )
    flags.DEFINE_integer(
        "first", None, "Only so many images of the file; default: all."
    )
    flags.DEFINE_integer("workers", None, "Threads; default: 8.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
