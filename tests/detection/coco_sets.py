"""Small data sets in COCO's format."""

import copy
import json

from detection.data.annotations import read_annotations
from tests.data.image_sets import photo


def coco_set():
    """Three images of 48x40 pixels, the last of background, one crowd."""
    sizes = {"width": 48, "height": 40}
    return {
        "images": [
            {"id": 11, "file_name": "a.jpg", **sizes},
            {"id": 7, "file_name": "below/b.jpg", **sizes},
            {"id": 300, "file_name": "c.jpg", **sizes},
        ],
        "annotations": [
            entry(1, 11, 3, [4.5, 2, 20, 10.25], area=150.5),
            entry(2, 7, 90, [0, 0, 48, 40]),
            entry(3, 11, 90, [30, 20, 18, 20], iscrowd=1),
        ],
        "categories": [
            {"id": 3, "name": "car", "supercategory": "vehicle"},
            {"id": 90, "name": "toothbrush"},
        ],
    }


def entry(number, image, category, box, **others):
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "segmentation": [[1, 2, 3]],
        **others,
    }


def write_set(folder, content=None, pictures=True):
    """Writes `folder/images` and `folder/a.json`; returns both paths."""
    content = copy.deepcopy(content or coco_set())
    images = folder / "images"
    (images / "below").mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(coco_set()["images"] if pictures else []):
        photo(number).save(images / image["file_name"], quality=95)
    (folder / "a.json").write_text(json.dumps(content))
    return images, folder / "a.json"


def read_set(folder, content=None, **arguments):
    """Writes a set, and reads it with `read_annotations`."""
    images, annotations = write_set(folder, content)
    return read_annotations(annotations, images, **arguments)


def contents(folder):
    """The bytes of a folder's files by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())
