"""The annotations that detections are compared with."""

import dataclasses
import functools
import json
import pathlib

from detection.data.coco_file import tidy
from detection.data.json_values import is_integer, is_number
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, first_line


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """Annotations in COCO's format, as pycocotools takes them.

    Args:
        path: of the file.
        dataset: its content: `images`, `annotations` and `categories`.
    """

    path: pathlib.Path
    dataset: dict

    @functools.cached_property
    def categories(self) -> dict[int, str]:
        """Names by category id, in the order of the ids."""
        rows = sorted(self.dataset["categories"], key=lambda row: row["id"])
        return {row["id"]: str(row.get("name", row["id"])) for row in rows}

    @functools.cached_property
    def images(self) -> dict:
        """Images by id, in the order of the file."""
        return {row["id"]: row for row in self.dataset["images"]}

    def only(self, image_ids) -> "GroundTruth":
        """That of some of the images.

        Args:
            image_ids: a container of ids.
        """
        kept = {"images": "id", "annotations": "image_id"}
        some = {
            key: [row for row in self.dataset[key] if row[name] in image_ids]
            for key, name in kept.items()
        }
        return GroundTruth(self.path, {**self.dataset, **some})

    def annotations(self, image_id) -> list[dict]:
        """The annotations of an image, crowds included."""
        return [
            row
            for row in self.dataset["annotations"]
            if row["image_id"] == image_id
        ]


def read_json(path, argument: str):
    """What a JSON file holds.

    Args:
        path: of the file.
        argument: what the user gave the path as.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    try:
        # Bytes, for Python then minds a byte order mark.
        return json.loads(pathlib.Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            f"{argument}: {path} cannot be read ({error.strerror}); give a "
            "JSON file"
        ) from None
    # A deeply nested file ends in a RecursionError.
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{argument}: {path} cannot be read as JSON ({first_line(error)}); "
            "give a file in COCO's format"
        ) from None


def read_ground_truth(path) -> GroundTruth:
    """Reads annotations, and checks what would make an evaluation wrong.

    Where `iscrowd` is missing it is 0, and a missing `area` is that of the
    box; ids and boxes are tidied as `detection.data.coco_file.tidy` does.
    Annotations that are numbered from 0 are numbered anew, for pycocotools
    takes a match with number 0 for none.

    Args:
        path: of a JSON file in the format of COCO's `instances_val2017.json`.

    Raises:
        InputError: the file is none, has no images, annotations or
            categories, or they do not fit together; one line.
    """
    path = expanded_path("annotations", path)
    dataset = read_json(path, "annotations")
    if not isinstance(dataset, dict):
        raise InputError(
            f"annotations: {path} holds a {type(dataset).__name__}, not a "
            "dict with images, annotations and categories; give COCO's "
            "instances_*.json or one like it"
        )
    rows = {
        key: _rows(path, dataset, key)
        for key in ("images", "categories", "annotations")
    }
    tidy(dataset)
    images = _ids(path, rows["images"], "images")
    categories = _ids(path, rows["categories"], "categories")
    numbers = _ids(path, rows["annotations"], "annotations")
    for row in rows["annotations"]:
        _check_annotation(path, row, images, categories)
    if not all(numbers):
        for number, row in enumerate(rows["annotations"], start=1):
            row["id"] = number
    return GroundTruth(path, dataset)


def _rows(path, dataset, key):
    rows = dataset.get(key)
    if isinstance(rows, list) and rows:
        return rows
    raise InputError(
        f"annotations: {path} has no {key}; it needs a list of them, as "
        "COCO's instances_*.json has"
    )


def _ids(path, rows, key):
    ids = set()
    for number, row in enumerate(rows):
        value = row.get("id") if isinstance(row, dict) else None
        if not is_integer(value):
            raise InputError(
                f"annotations: entry {number} of the {key} in {path} has the "
                f"id {value!r}; each needs a whole number of its own"
            )
        if value in ids:
            raise InputError(
                f"annotations: {path} has two {key} with the id {value!r}; "
                "each needs a number of its own"
            )
        ids.add(value)
    return ids


def _check_annotation(path, row, images, categories):
    what = f"annotations: annotation {row['id']!r} of {path}"
    for key, known, name in (
        ("image_id", images, "images"),
        ("category_id", categories, "categories"),
    ):
        value = row.get(key)
        if not is_integer(value) or value not in known:
            raise InputError(
                f"{what} has {key} {value!r}, which its {name} lack; correct "
                "or remove it"
            )
    if not is_box(row.get("bbox")):
        raise InputError(
            f"{what} has bbox {row.get('bbox')!r}, not four finite numbers "
            "[x, y, width, height]; correct or remove it"
        )
    if row.setdefault("iscrowd", 0) not in (0, 1):
        raise InputError(
            f"{what} has iscrowd {row['iscrowd']!r}, neither 0 nor 1; correct "
            "or remove it"
        )
    if not is_number(row.setdefault("area", row["bbox"][2] * row["bbox"][3])):
        raise InputError(
            f"{what} has area {row['area']!r}, not a finite number; correct "
            "or remove it"
        )


def is_box(value) -> bool:
    """Whether a value of JSON is `[x, y, width, height]`, neither negative."""
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(map(is_number, value))
        and min(value[2:]) >= 0
    )
