"""Files that name categories: a line for each, or YOLO's data.yaml."""

import pathlib

import yaml

from detection.data.json_values import is_integer
from nasnet_tf.checks.errors import InputError, first_line

YAMLS = (".yaml", ".yml")


def read_names(
    path: pathlib.Path, first: int, argument: str = "labels"
) -> dict[int, str]:
    """Names by number of a file.

    Args:
        path: of a text file with a name a line, or of a .yaml file with
            `names`, a list or a dict by number.
        first: the number of the first name.
        argument: what the user gave the path as.

    Raises:
        InputError: it cannot be read, or has no names, or one twice.
    """
    if path.suffix.lower() in YAMLS:
        names = _yaml_names(path, first, argument)
    else:
        lines = read_text(path, argument).rstrip().splitlines()
        names = dict(enumerate((line.strip() for line in lines), first))
    texts = list(names.values())
    if not texts or not all(texts) or len(set(texts)) < len(texts):
        raise InputError(
            f"{argument}: {path} has no list of names, or an empty one, or "
            "one twice; write a name a line"
        )
    return names


def read_yaml(path: pathlib.Path, argument: str) -> dict:
    """What a .yaml file of a data set holds.

    Raises:
        InputError: it cannot be read, or is no dict.
    """
    try:
        values = yaml.safe_load(read_text(path, argument))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"{argument}: {path} is no YAML ({first_line(error)}); give "
            "YOLO's data.yaml"
        ) from None
    if not isinstance(values, dict):
        raise InputError(
            f"{argument}: {path} holds no names; give YOLO's data.yaml"
        )
    return values


def read_text(path: pathlib.Path, argument: str) -> str:
    """The text of a small file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise InputError(
            f"{argument}: {path} cannot be read ({reason}); give a text file"
        ) from None


def _yaml_names(path, first, argument):
    names = read_yaml(path, argument).get("names")
    if isinstance(names, list):
        names = dict(enumerate(names, first))
    if not isinstance(names, dict) or not all(map(is_integer, names)):
        raise InputError(
            f"{argument}: {path} has no names, a list or a dict by number; "
            "give YOLO's data.yaml, or a file with a name a line"
        )
    return {number: str(name).strip() for number, name in names.items()}
