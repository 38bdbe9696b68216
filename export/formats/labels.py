"""The file that names the classes."""

import pathlib
from collections.abc import Iterable, Sequence

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, first_line

LABELS = "labels.txt"


def labels_text(class_names: Iterable[str]) -> str:
    """A line for each class, in the order of the output.

    Args:
        class_names: spaces in a name become one space.
    """
    lines = [" ".join(str(name).split()) for name in class_names]
    return "\n".join(lines) + "\n"


def write_labels(path: pathlib.Path, class_names: Iterable[str]) -> None:
    """Writes `labels_text` in UTF-8.

    Args:
        path: of the file.
        class_names: in the order of the output.

    Raises:
        OSError: it cannot be written.
    """
    path.write_text(labels_text(class_names), encoding="utf-8")


def read_labels(path, classes: int) -> list[str]:
    """Reads a file of labels, a line each.

    Args:
        path: of the file, in UTF-8.
        classes: how many there are to be.

    Raises:
        InputError: there is no such file, or it has another number of lines
            or an empty one.
    """
    path = expanded_path("labels", path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"labels: {path} cannot be read as text ({first_line(error)}); "
            "give a file in UTF-8 with a class a line"
        ) from error
    # Not `splitlines`, which parts names at other characters, too.
    lines = [line.strip() for line in text.strip("\n\r").split("\n")]
    return check_labels(lines, classes, str(path))


def check_labels(
    names: Sequence[str], classes: int, where: str = "the model"
) -> list[str]:
    """Names as a file can hold them, a line each.

    Two may be the same: ImageNet has two cranes.

    Args:
        names: of the classes.
        classes: how many there are.
        where: the names are, for people.

    Raises:
        InputError: their number is another, or one is empty or has a line
            break.
    """
    names = list(map(str, names))
    if len(names) != classes:
        raise InputError(
            f"labels: {where} names {len(names):,} classes, and the network "
            f"has {classes:,}; give a file with a line for each, in the order "
            "of its output"
        )
    for number, name in enumerate(names):
        if not name.strip():
            problem = "is empty"
        elif len(name.strip().splitlines()) > 1:
            problem = f"has a line break: {name!r}"
        else:
            continue
        raise InputError(
            f"labels: the name of class {number} in {where} {problem}; give a "
            "file with a name a line for each class"
        )
    return names
