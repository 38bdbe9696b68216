"""The formats of annotations, and how they are told apart."""

import pathlib

from detection.data.category_names import YAMLS
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError

FORMATS = (COCO := "coco", VOC := "voc", YOLO := "yolo")


def format_of(path: pathlib.Path, given: str | None = None) -> str:
    """The format of annotations: a file of JSON is COCO's.

    A folder with .xml files is Pascal VOC's, one with .txt files YOLO's, and
    so is a .yaml file.

    Args:
        path: of the file or folder.
        given: one of `FORMATS`, which is then it.

    Raises:
        InputError: another format is given, or the folder has neither.
    """
    if given is not None:
        check_choice("format", given, FORMATS)
        return given
    if not path.is_dir():
        return YOLO if path.suffix.lower() in YAMLS else COCO
    for format, suffix in ((VOC, "xml"), (YOLO, "txt")):
        if next(path.rglob(f"*.{suffix}"), None):
            return format
    raise InputError(
        f"annotations: {path} has neither .xml files, as Pascal VOC, nor "
        ".txt files, as YOLO; give such a folder, or a COCO file"
    )
