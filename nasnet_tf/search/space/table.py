"""Benchmark tables: every architecture of a small space, already trained."""

import csv
import dataclasses
import functools
import itertools
import pathlib
import re

import numpy as np

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.decisions import DecisionSpace

# NAS-Bench-201's texts: |operation~from|+|operation~from|operation~from|...
_EDGE = re.compile(r"([^|+~]+)~(\d+)")
# Of an edge's name.
_NODES = re.compile(r"\d+")
_ARCHITECTURE = "architecture"
# An edge that passes nothing on.
_NONE = "none"
_MOST_PATHS = 2_000


@dataclasses.dataclass(frozen=True)
class EdgeSpace(DecisionSpace):
    """An operation on each edge of a cell that is a graph of nodes.

    Decisions are called `edge_0_to_1` and so on, from a node to a later one.
    """

    def encode(self, decisions) -> np.ndarray:
        """A 1 for each sequence of operations from the first to the last node.

        It is the path encoding (White et al. 2021, section 3): cells in which
        the same operations are reached by other nodes are the same network. An
        edge of `"none"` is no way. Of many and long paths, as in the base.
        """
        routes, count = self._routes
        if count > _MOST_PATHS:
            return self.one_hot(decisions)
        decisions = np.asarray(decisions)
        features = np.zeros((len(decisions), count))
        rows = np.arange(len(decisions))
        for first, route in routes:
            places = np.full(len(decisions), 0)
            is_path = np.full(len(decisions), True)
            for edge in route:
                operations = self._operations[edge][decisions[:, edge]]
                is_path &= operations >= 0
                places = places * self._radix + operations
            features[rows[is_path], first + places[is_path]] = 1
        return features

    @functools.cached_property
    def _known(self):
        """All operations, numbered the same on every edge."""
        names = sorted(set(itertools.chain(*self.options)) - {_NONE})
        return {name: number for number, name in enumerate(names)}

    @property
    def _radix(self):
        return max(1, len(self._known))

    @functools.cached_property
    def _operations(self):
        """By edge the number of each option's operation; -1: it is no way."""
        return [
            np.array([self._known.get(name, -1) for name in options])
            for options in self.options
        ]

    @functools.cached_property
    def _routes(self):
        """Where the features of a length begin, and the edges of a route."""
        ends = [tuple(map(int, _NODES.findall(name))) for name in self.names]
        last = max(end for _, end in ends)

        def routes(node):
            if node == last:
                return [()]
            return [
                (edge, *rest)
                for edge, (begin, end) in enumerate(ends)
                if begin == node
                for rest in routes(end)
            ]

        found = routes(0)
        firsts, count = {}, 0
        for length in sorted(set(map(len, found))):
            firsts[length] = count
            count += self._radix**length
        return [(firsts[len(route)], route) for route in found], count


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
    return EdgeSpace(
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
