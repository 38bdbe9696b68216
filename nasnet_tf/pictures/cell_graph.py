"""A cell in layers from inputs to outputs, ordered so that few edges cross.

The barycentre method: an item goes where the items it is linked with are, on
average, in the neighbouring layer.
"""

import collections
import dataclasses
import itertools
import math

SWEEPS = 12


@dataclasses.dataclass(frozen=True)
class Route:
    """How a hidden state reaches an operation or an output.

    Args:
        state: the hidden state.
        end: the item that reads it: `("state", n)` or `("output", n)`.
        part: which operation of the block, or which part of the output.
        lanes: the items that the edge passes through, upward.
    """

    state: int
    end: tuple
    part: int
    lanes: tuple

    @property
    def before(self) -> tuple:
        """The item before the end."""
        return self.lanes[-1] if self.lanes else ("state", self.state)


class CellGraph:
    """The items of a cell by layer, and the routes between them.

    Layer 0 holds the inputs, a block is one layer above the highest state it
    reads, the last layer holds the outputs. Items are `("state", n)`,
    `("output", n)` and, where an edge passes a layer,
    `("lane", state, kind of its end, layer)`: the edges of one state to
    blocks share lanes, those to outputs have their own.

    Args:
        cell: a `nasnet_tf.Cell`.
    """

    def __init__(self, cell):
        self.layer = dict.fromkeys(range(cell.num_inputs), 0)
        for number, block in enumerate(cell.blocks):
            below = max(self.layer[state] for _, state in block.branches)
            self.layer[cell.num_inputs + number] = below + 1
        self.rows: list[list[tuple]] = [
            [] for _ in range(max(self.layer.values()) + 2)
        ]
        for state, layer in self.layer.items():
            self.rows[layer].append(("state", state))
        self.rows[-1] = [("output", n) for n in range(len(cell.outputs))]
        self.links: collections.Counter[tuple] = collections.Counter()
        self.routes = [self._route(*ends) for ends in _ends(cell)]
        self._order()

    def _route(self, state, end, part):
        last = len(self.rows) - 1
        stop = last if end[0] == "output" else self.layer[end[1]]
        lanes = tuple(
            ("lane", state, end[0], row)
            for row in range(self.layer[state] + 1, stop)
        )
        for lane in lanes:
            if lane not in self.rows[lane[-1]]:
                self.rows[lane[-1]].append(lane)
        stations = [("state", state), *lanes, end]
        self.links.update(itertools.pairwise(stations))
        return Route(state, end, part, lanes)

    @property
    def items(self) -> list:
        """All items, layer by layer."""
        return [item for row in self.rows for item in row]

    def barycentre(self, item, places, default):
        """The mean place of those linked with `item` that `places` has."""
        total = weights = 0.0
        for (lower, upper), weight in self.links.items():
            other = upper if item == lower else lower if item == upper else None
            if other is not None and other in places:
                # Lanes pull harder on lanes, so that long edges are straight.
                weight *= 4 if item[0] == other[0] == "lane" else 1
                total += weight * places[other]
                weights += weight
        return total / weights if weights else default

    def _order(self):
        best, fewest = self.rows, math.inf
        for sweep in range(SWEEPS):
            self._sweep(upward=sweep % 2 == 0)
            while self._swap_neighbours():
                pass
            crossings = sum(map(self.crossings, range(len(self.rows) - 1)))
            # A sweep can make it worse.
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def _sweep(self, upward):
        last = len(self.rows) - 1
        for row in range(1, last + 1) if upward else range(last - 1, -1, -1):
            near = self._places(row - 1 if upward else row + 1)
            means = {
                item: self.barycentre(item, near, place)
                for item, place in self._places(row).items()
            }
            self.rows[row].sort(key=means.__getitem__)

    def _places(self, row):
        return {item: place for place, item in enumerate(self.rows[row])}

    def _swap_neighbours(self):
        """Swaps what lowers the crossings; says whether anything did."""
        better = False
        for number, row in enumerate(self.rows):
            near = [
                n for n in (number - 1, number) if 0 <= n < len(self.rows) - 1
            ]
            for place in range(len(row) - 1):
                pair = slice(place, place + 2)
                before = sum(map(self.crossings, near))
                row[pair] = row[pair][::-1]
                if sum(map(self.crossings, near)) < before:
                    better = True
                else:
                    row[pair] = row[pair][::-1]
        return better

    def crossings(self, row: int) -> int:
        """How many pairs of edges cross between a layer and the next."""
        lower, upper = self._places(row), self._places(row + 1)
        ends = [
            (lower[a], upper[b], weight)
            for (a, b), weight in self.links.items()
            if a in lower
        ]
        return sum(
            weight * other
            for (a, b, weight), (c, d, other) in itertools.combinations(ends, 2)
            if (a - c) * (b - d) < 0
        )


def _ends(cell):
    for number, block in enumerate(cell.blocks):
        end = ("state", cell.num_inputs + number)
        for side, (_, state) in enumerate(block.branches):
            yield state, end, side
    for number, states in enumerate(cell.outputs):
        for part, state in enumerate(states):
            yield state, ("output", number), part
