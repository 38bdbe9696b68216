"""Files in COCO's format (https://cocodataset.org/#format-data)."""

import json
import pathlib

from detection.data.json_values import whole_number
from detection.data.outlines import outline_box
from nasnet_tf.checks.errors import InputError, first_line

LISTS = ("images", "annotations", "categories")
_IDS = ("id", "image_id", "category_id")


def load_coco(path: pathlib.Path) -> dict[str, list]:
    """The `images`, `annotations` and `categories` of a file, tidied.

    Outlines are left out; for tidying see `tidy`.

    Raises:
        InputError: it cannot be read, or a list is missing or empty.
    """
    try:
        # Outlines are most of a file, and unused but where a box is missing.
        with path.open("rb") as file:
            entries = json.load(file, object_hook=_without_outline)
    except OSError as error:
        raise InputError(
            f"annotations: {path} cannot be read ({error.strerror}); give a "
            "COCO file such as instances_train2017.json"
        ) from None
    # A package that an outline needs is missing.
    except InputError:
        raise
    # A RecursionError where a file is nested deeply.
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"annotations: {path} is no JSON ({first_line(error)}); give a "
            "COCO file such as instances_train2017.json"
        ) from None
    for key in LISTS:
        listed = entries.get(key) if isinstance(entries, dict) else None
        if not isinstance(listed, list):
            raise InputError(
                f"annotations: {path} has no list of {key}; give a COCO file "
                "such as instances_train2017.json"
            )
        if not listed:
            raise InputError(
                f"annotations: {path} has no {key}: its list is empty; give a "
                "file that was annotated"
            )
    tidy(entries)
    return entries


def tidy(entries: dict) -> None:
    """Makes plain what has one meaning only.

    Ids that are written as `1.0` or `"1"` become whole numbers, and an
    annotation with an outline and without `bbox` gets the box around it.

    Args:
        entries: of a file; its lists are changed in place.

    Raises:
        InputError: an outline is a mask and pycocotools is missing.
    """
    for key in LISTS:
        for entry in entries[key]:
            if not isinstance(entry, dict):
                continue
            for name in _IDS:
                if name in entry:
                    entry[name] = whole_number(entry[name])
            add_box(entry)


def add_box(entry: dict) -> None:
    """Gives an annotation without `bbox` the box around its outline."""
    outline = entry.get("segmentation")
    if outline and not entry.get("bbox") and (box := outline_box(outline)):
        entry["bbox"] = box


def _without_outline(entry):
    if "segmentation" in entry:
        add_box(entry)
        del entry["segmentation"]
    return entry


def coco_content(data) -> dict[str, list]:
    """A set that was read as the content of a COCO file.

    Args:
        data: an `AnnotationSet`.
    """
    boxes = [
        (image.id, box) for image in data.images for box in image.annotations
    ]
    return {
        "images": [
            {
                "id": image.id,
                "file_name": image.file_name,
                "width": image.width,
                "height": image.height,
            }
            for image in data.images
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": box.category_id,
                "bbox": _bbox(*box.box),
                "area": box.area,
                "iscrowd": int(box.is_crowd),
            }
            for number, (image, box) in enumerate(boxes, 1)
        ],
        "categories": [
            {"id": number, "name": name}
            for number, name in sorted(data.categories.items())
        ],
    }


def _bbox(top, left, bottom, right):
    return [left, top, right - left, bottom - top]
