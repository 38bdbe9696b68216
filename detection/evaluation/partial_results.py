"""Predictions written as they come, so that a stopped run can go on."""

import json
import pathlib
from typing import Any, TextIO

from nasnet_tf.files.output_file import cannot_be_written, written_beside

# Beside the files that a whole run writes; gone when these are there.
PARTIAL = "predictions.jsonl"


class PartialResults:
    """What is known of the images of a run, a line for each.

    The first line says what the run is. Of a file that says something else,
    or of none, nothing is known. A line that was cut off is not counted.

    Args:
        path: of the file.
        run: JSON's plain values; all that the results depend on but the images.
        marks: by the names of the images, plain values that change when the
            image does; what is known of others is left out.

    Attributes:
        known: by name, what `add` was given.
        discarded: names in a file of another run.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, path: pathlib.Path, run: dict, marks: dict[str, Any]):
        self._path = path
        self._marks = marks
        self._file: TextIO | None = None
        self.known: dict[str, dict] = {}
        self.discarded: list[str] = []
        # Tuples become lists, as those of the file are.
        run, marks = json.loads(json.dumps([run, marks]))
        first, *rows = _read_lines(path) or [None]
        if first != run:
            self.discarded = [row["name"] for row in rows if "name" in row]
            rows = []
        for row in rows:
            name = row.get("name")
            if name in marks and row.get("mark") == marks[name]:
                self.known[name] = row["found"]
        with written_beside(path) as beside:
            lines = [run, *(self._row(name) for name in self.known)]
            beside.write_text("".join(map(_line, lines)), encoding="utf-8")

    def _row(self, name):
        mark = self._marks[name]
        return {"name": name, "mark": mark, "found": self.known[name]}

    def add(self, name: str, found: dict) -> None:
        """Writes what is known of an image.

        Raises:
            InputError: it cannot be written.
        """
        self.known[name] = found
        try:
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8")
            self._file.write(_line(self._row(name)))
            self._file.flush()
        except OSError as error:
            raise cannot_be_written("out", self._path, error) from None

    def close(self) -> None:
        """Lets the file go; a run that ends early leaves it."""
        if self._file is not None:
            self._file.close()

    def remove(self) -> None:
        """Removes the file, when all that it says is written elsewhere."""
        self.close()
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_be_written("out", self._path, error) from None


def _line(value):
    return json.dumps(value, allow_nan=False) + "\n"


def _read_lines(path):
    """The dicts of a file's lines, up to the first that is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(row, dict):
            break
        rows.append(row)
    return rows
