"""Benchmark tables: every architecture of a small space, already trained."""

import csv
import dataclasses
import itertools
import pathlib
import re

import numpy as np

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.decisions import DecisionSpace

# NAS-Bench-201's texts: |operation~from|+|operation~from|operation~from|...
_EDGE = re.compile(r"([^|+~]+)~(\d+)")
_ARCHITECTURE = "architecture"


@dataclasses.dataclass(frozen=True)
class SearchTable:
    """A space and the scores of all its architectures.

    Args:
        space: one decision an edge of the cell.
        scores: by name, an array of the shape `space.sizes`.
        texts: how the table writes the architectures, of the same shape.
    """

    space: DecisionSpace
    scores: dict[str, np.ndarray]
    texts: np.ndarray

    def score(self, name: str, decisions) -> np.ndarray:
        """Looks scores up.

        Args:
            name: of a column.
            decisions: int `(n, decisions)`, or `(decisions,)`.

        Returns:
            `(n,)`, or a scalar.

        Raises:
            InputError: there is no such column, or the decisions are not in
                the space.
        """
        check_choice("column", name, self.scores)
        return self.scores[name][tuple(self.space.check(decisions).T)]

    def text(self, decisions) -> str:
        """How the table writes an architecture, `(decisions,)`."""
        return str(self.texts[tuple(self.space.check(decisions).T)])


def load_table(path) -> SearchTable:
    """Reads a table such as NAS-Bench-201's (arXiv:2001.00326).

    Args:
        path: of a CSV file; its first column, `architecture`, has texts like
            `|conv~0|+|conv~0|skip~1|`: for each node of the cell from the
            second on, an operation on every edge to it; the others have
            numbers. All combinations of the operations have to be there.

    Raises:
        InputError: it is no such file; names the line at fault.
    """
    path = pathlib.Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "not a CSV file"
        raise InputError(f"table: {path}: {reason}") from None
    if not rows or rows[0][:1] != [_ARCHITECTURE] or len(rows[0]) < 2:
        raise InputError(
            f"table: {path} does not begin with a line of column names, "
            f"{_ARCHITECTURE} first and scores after it"
        )
    header, *rows = rows
    cells, numbers = [], []
    for line, row in enumerate(rows, start=2):
        where = f"table: {path}, line {line}"
        cells.append(_edges(where, row))
        numbers.append(_numbers(where, row[1:], len(header) - 1))
    if not rows:
        raise InputError(f"table: {path} has no architecture")
    space = _space(path, cells)
    places = _places(path, space, cells)
    texts = np.empty(space.sizes, object)
    texts[places] = [row[0] for row in rows]
    columns = np.array(numbers, "float64").T
    scores = {}
    for name, column in zip(header[1:], columns, strict=True):
        scores[name] = np.empty(space.sizes)
        scores[name][places] = column
    return SearchTable(space, scores, texts)


def _edges(where, row):
    """The edges of an architecture: name to operation."""
    edges = {}
    for node, part in enumerate((row or [""])[0].split("+"), start=1):
        for operation, source in _EDGE.findall(part):
            edges[f"edge_{source}_to_{node}"] = operation
    if not edges:
        raise InputError(
            f"{where}: {row[:1]} is no text like |operation~0|+|..."
        )
    return edges


def _numbers(where, texts, count):
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{where}: {texts} are not {count} numbers")
    return numbers


def _space(path, cells):
    names = tuple(cells[0])
    for line, edges in enumerate(cells, start=2):
        if tuple(edges) != names:
            raise InputError(
                f"table: {path}, line {line}: its edges are not those of the "
                "first architecture"
            )
    options = tuple(
        tuple(sorted({edges[name] for edges in cells})) for name in names
    )
    return DecisionSpace(
        sizes=tuple(map(len, options)),
        names=names,
        kinds=("operation",) * len(names),
        options=options,
    )


def _places(path, space, cells):
    """The decisions of all architectures, as an index into an array."""
    numbers = [
        {option: number for number, option in enumerate(options)}
        for options in space.options
    ]
    decisions = [
        tuple(n[e] for n, e in zip(numbers, edges.values(), strict=True))
        for edges in cells
    ]
    missing = set(itertools.product(*map(range, space.sizes))) - set(decisions)
    if missing or len(set(decisions)) < len(decisions):
        raise InputError(
            f"table: {path} has {len(decisions)} lines, {len(missing)} "
            "architectures are missing; give each one once"
        )
    return tuple(np.array(decisions).T)
