"""The names of a data set's categories, in `categories.json`."""

import json
import pathlib

from nasnet_tf.checks.errors import InputError

CATEGORIES_FILE = "categories.json"


def read_categories(folder) -> dict[int, str]:
    """Names by category id of `categories.json`; empty without one.

    Raises:
        InputError: the file is damaged.
    """
    path = pathlib.Path(folder) / CATEGORIES_FILE
    if not path.is_file():
        return {}
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return {int(entry["id"]): str(entry["name"]) for entry in listed}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"categories: {path} is not a list of COCO categories; write "
            '[{"id": 1, "name": "person"}, ...]'
        ) from None


def write_categories(path: pathlib.Path, categories: dict[int, str]) -> None:
    """Writes `[{"id": ..., "name": ...}, ...]`, by id.

    Args:
        path: of the file.
        categories: names by category id.

    Raises:
        OSError: it cannot be written.
    """
    listed = [{"id": n, "name": name} for n, name in sorted(categories.items())]
    path.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
