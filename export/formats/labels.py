"""The file that names the classes."""

import pathlib
from collections.abc import Iterable

LABELS = "labels.txt"


def write_labels(path: pathlib.Path, class_names: Iterable[str]) -> None:
    """Writes a line for each class, in the order of the output, in UTF-8.

    Args:
        path: of the file.
        class_names: spaces and line ends in a name become one space.

    Raises:
        OSError: it cannot be written.
    """
    lines = [" ".join(str(name).split()) for name in class_names]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
