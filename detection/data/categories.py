"""A data set's categories, in `categories.json`: ids, names and labels.

An id is the annotations' own; users read and write ids only. A label is the
network's output: 0 is the background, 1 the category with the lowest id.
"""

import json
import pathlib
from collections.abc import Iterable

from detection.data.json_values import is_integer
from nasnet_tf.checks.errors import InputError

CATEGORIES_FILE = "categories.json"


class Categories(dict[int, str]):
    """Names by id, in the order of the ids.

    Args:
        names: by id.
        labels: by id; None: each label is the id, as in records of before
            there were labels.
    """

    def __init__(self, names=(), labels: dict[int, int] | None = None):
        super().__init__(sorted(dict(names).items()))
        self.has_labels = labels is not None
        self.labels = {n: n for n in self} if labels is None else labels

    @property
    def renumbered(self) -> bool:
        """Whether some label is not the id."""
        return any(number != label for number, label in self.labels.items())

    @property
    def num_classes(self) -> int:
        """Outputs of a network for them, the background included."""
        return max(self.labels.values(), default=0) + 1

    def by_label(self) -> dict[int, int]:
        """Ids by label."""
        return {label: number for number, label in self.labels.items()}


def labelled(names: dict[int, str], keep_ids: bool = False) -> Categories:
    """Categories with the labels 1 to N in the order of their ids.

    Args:
        names: by id.
        keep_ids: each label is the id; for COCO's 80 categories a network
            then has the published 91 outputs, and not 81.

    Raises:
        InputError: with `keep_ids` an id is below 1.
    """
    numbers = sorted(names)
    if keep_ids and numbers and numbers[0] < 1:
        raise InputError(
            f"keep_ids: category {numbers[0]} ({names[numbers[0]]!r}) cannot "
            "keep its id, for 0 is the background; leave --keep_ids out"
        )
    labels = numbers if keep_ids else range(1, len(numbers) + 1)
    return Categories(names, dict(zip(numbers, labels, strict=True)))


def read_categories(folder) -> Categories:
    """The categories of `categories.json`; empty without one.

    In a file without labels each is the id.

    Raises:
        InputError: the file is damaged.
    """
    path = pathlib.Path(folder) / CATEGORIES_FILE
    if not path.is_file():
        return Categories()
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        names = {int(entry["id"]): str(entry["name"]) for entry in listed}
        if not any("label" in entry for entry in listed):
            return Categories(names)
        labels = {int(entry["id"]): entry["label"] for entry in listed}
        _check_labels(labels.values())
        return Categories(names, labels)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"categories: {path} is not a list of COCO categories; write "
            '[{"id": 18, "name": "dog", "label": 1}, ...], each label once'
        ) from None


def _check_labels(labels: Iterable):
    labels = list(labels)
    if not all(is_integer(label) and label > 0 for label in labels):
        raise ValueError("labels are 1 or more")
    if len(set(labels)) < len(labels):
        raise ValueError("labels repeat")


def write_categories(path: pathlib.Path, categories: Categories) -> None:
    """Writes `[{"id": ..., "name": ..., "label": ...}, ...]`, by id.

    Categories that were read without labels are written without.

    Args:
        path: of the file.
        categories: to write.

    Raises:
        OSError: it cannot be written.
    """
    listed: list[dict] = [
        {"id": number, "name": name} for number, name in categories.items()
    ]
    if categories.has_labels:
        for entry in listed:
            entry["label"] = categories.labels[entry["id"]]
    path.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
