r"""Turns annotated images (COCO, VOC, YOLO) into TFRecords for Model Garden.

python -m detection.coco --images=coco/train2017 \
    --annotations=coco/annotations/instances_train2017.json \
    --out=records --name=train --skip_bad

python -m detection.coco --images=JPEGImages --annotations=Annotations --out=voc
python -m detection.coco --images=images/train --annotations=labels/train \
    --out=yolo

Everything is checked first. COCO's own train2017 has two boxes of height 0,
which --skip_bad leaves out.
"""

import sys

from absl import flags

from detection.data.category_names import YAMLS
from detection.data.conversion import convert_coco
from detection.data.formats import FORMATS
from detection.data.problems import few
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    needed = ["annotations", "out"]
    if not str(values.annotations).lower().endswith(YAMLS):
        needed.insert(0, "images")
    for flag in needed:
        if not getattr(values, flag):
            raise InputError(f"{flag}: missing; give it as --{flag}=PATH")
    paths = {
        name: expanded_path(name, path)
        if (path := getattr(values, name))
        else None
        for name in ("images", "annotations", "out", "labels")
    }
    try:
        data, records = convert_coco(
            paths["images"],
            paths["annotations"],
            paths["out"],
            name=values.name,
            shards=values.shards,
            skip_bad=values.skip_bad,
            first=values.first,
            workers=values.workers,
            keep_ids=values.keep_ids,
            allow_outside=values.allow_outside,
            format=values.format,
            labels=paths["labels"],
            strict=values.strict,
        )
    except InputError as error:
        if problems := getattr(error, "problems", None):
            print(problems.report(), file=sys.stderr)
        raise
    if data.problems.total:
        print(data.problems.report(), file=sys.stderr)
        print(data.left_out)
    print(
        f"wrote {records.images:,} images ({records.without_boxes:,} without "
        f"boxes), {records.boxes:,} boxes ({records.crowds:,} crowds) of "
        f"{len(data.categories)} categories, {records.num_bytes / 1e6:.1f} MB\n"
        f"records: {records.pattern}, {len(records.paths)} files\n"
        f"categories: {records.categories}, num_classes "
        f"{records.num_classes}"
    )
    if records.annotations:
        print(f"annotations: {records.annotations}, for detection.evaluate")
    if unused := data.unused_categories:
        names = (f"{number} ({data.categories[number]})" for number in unused)
        print(
            f"no box is of {len(unused)} of the {len(data.categories)} "
            f"categories, which keep their labels: {few(names)}"
        )
    if turned := sum(image.is_turned for image in data.images):
        print(f"{turned:,} images were turned as their EXIF data says")
    if data.unclear_turns:
        print(
            f"{data.unclear_turns:,} images are as stored: their EXIF data "
            "turn them, and their sizes do not tell whether they were "
            "annotated so"
        )


def define_flags():
    flags.DEFINE_string(
        "images", None, "Their folder; default: what a data.yaml gives."
    )
    flags.DEFINE_string(
        "annotations",
        None,
        "A COCO file, or a folder of VOC's .xml or YOLO's .txt files.",
    )
    flags.DEFINE_enum(
        "format", None, FORMATS, "Default: by what --annotations is."
    )
    flags.DEFINE_string(
        "labels", None, "Of VOC and YOLO: a file with a category a line."
    )
    flags.DEFINE_string("out", None, "The folder for the records.")
    flags.DEFINE_string("name", "train", "Of the set: begins the files' names.")
    flags.DEFINE_integer(
        "shards", None, "Files; default: 8, or more of 100 MB each."
    )
    flags.DEFINE_boolean(
        "skip_bad", False, "Leave out what is bad, and say what that was."
    )
    flags.DEFINE_boolean(
        "strict", False, "Refuse images that cannot be read too."
    )
    flags.DEFINE_integer(
        "first", None, "Only so many images of the file; default: all."
    )
    flags.DEFINE_integer("workers", None, "Threads; default: 8.")
    flags.DEFINE_boolean(
        "keep_ids", False, "Labels are the ids: COCO's 91 outputs, not 81."
    )
    flags.DEFINE_boolean(
        "allow_outside", False, "Read images that are not below --images too."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
