"""Where the boxes and edges of a drawn cell go.

Layers from bottom to top, as in Figures 4, 7 and 8 of the paper: the inputs,
the blocks by their longest path from an input, the outputs. An edge passes the
layers between its ends in a lane of its own beside the blocks, so that no edge
runs under a box. Lengths are inches, `y` points up.
"""

import dataclasses
import itertools

from nasnet_tf.cells.genotype import Cell
from nasnet_tf.cells.operations import operation_form
from nasnet_tf.pictures.cell_graph import SWEEPS, CellGraph

_COMBINERS = {
    "add_layer_norm": "add + layer norm",
    "add_instance_norm": "add + instance norm",
}
SIDES = ("left", "right")
BOX_HEIGHT = 0.44
CHARACTER = 0.088  # a little more than a character of the 10-point labels
OPERATION_GAP = 0.12  # between the two operations of a block
COMBINER_GAP = 0.34  # between the operations and their combiner
ITEM_GAP = 0.34  # between blocks or lanes of a layer


def combiner_label(combiner: str) -> str:
    """How a combiner is called in a drawing."""
    return _COMBINERS.get(combiner, combiner)


@dataclasses.dataclass(frozen=True)
class Box:
    """A drawn box: its name, what it is and says, its centre and its size."""

    name: str
    kind: str  # input, operation, combiner or output
    label: str
    note: str
    x: float
    y: float
    width: float

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y - BOX_HEIGHT / 2

    @property
    def top(self) -> float:
        """The y of its upper side."""
        return self.y + BOX_HEIGHT / 2


@dataclasses.dataclass(frozen=True)
class Edge:
    """A drawn edge: the state it carries and the points it passes, upward."""

    name: str
    kind: str  # input, combine or output
    state: int
    points: tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True)
class Layout:
    """A laid out cell; its lower left corner is the origin."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def lay_out(cell: Cell, stride: int = 1) -> Layout:
    """Places the boxes and edges of a cell.

    Args:
        cell: the cell.
        stride: of the operations on the cell's inputs; noted in their boxes
            where it is not 1.
    """
    placement = _Placement(cell, stride)
    boxes = {box.name: box for box in placement.boxes()}
    edges = (*placement.combining_edges(boxes), *placement.edges(boxes))
    return Layout(
        tuple(boxes.values()), edges, placement.width, placement.top[-1]
    )


class _Placement:
    """The widths and places of a cell's items."""

    def __init__(self, cell, stride):
        self.cell, self.stride = cell, stride
        self.graph = CellGraph(cell)
        operations = [o for b in cell.blocks for o, _ in b.branches]
        longest = max(len(operation_form(o).label) for o in operations)
        self.operation_width = CHARACTER * max(longest, 7) + 0.16
        self.widths = {item: self._width(item) for item in self.graph.items}
        self._place_columns()
        self._place_rows()

    def _width(self, item):
        kind, number, *_ = item
        block = number - self.cell.num_inputs
        if kind == "lane":
            return 0.0
        if kind == "output":
            return max(1.1, 0.3 * len(self.cell.outputs[number]) + 0.6)
        if block < 0:
            links = self.graph.links.items()
            return max(0.8, 0.16 * sum(n for (a, _), n in links if a == item))
        operations = 2 * self.operation_width + OPERATION_GAP
        return max(operations, self._combiner_width(block))

    def _combiner_width(self, block):
        label = combiner_label(self.cell.blocks[block].combiner)
        return max(0.8, CHARACTER * len(label) + 0.2)

    def _place_columns(self):
        """Each item as near its neighbours as the others of its row let it."""
        rows = self.graph.rows
        self.x: dict[tuple, float] = {}
        for row in rows:
            self._set_row(row, [0.0] * len(row))
        for sweep in range(2 * SWEEPS):
            order = range(len(rows))
            for number in order if sweep % 2 else reversed(order):
                near = [rows[n] for n in (number - 1, number + 1) if n in order]
                places = {item: self.x[item] for row in near for item in row}
                wanted = [
                    self.graph.barycentre(item, places, self.x[item])
                    for item in rows[number]
                ]
                self._set_row(rows[number], wanted)
        left = min(x - self.widths[item] / 2 for item, x in self.x.items())
        self.x = {item: x - left for item, x in self.x.items()}
        self.width = max(x + self.widths[i] / 2 for i, x in self.x.items())

    def _set_row(self, row, wanted):
        """The positions nearest `wanted` that keep order and distance."""
        offsets = [0.0]
        for left, right in itertools.pairwise(row):
            room = (self.widths[left] + self.widths[right]) / 2 + ITEM_GAP
            offsets.append(offsets[-1] + room)
        # Least squares under an order: pool neighbours that collide.
        pools = []
        for value, offset in zip(wanted, offsets, strict=True):
            pools.append((value - offset, 1))
            while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
                (b, m), (a, n) = pools.pop(), pools.pop()
                pools.append(((a * n + b * m) / (n + m), n + m))
        shifts = [value for value, count in pools for _ in range(count)]
        for item, shift, offset in zip(row, shifts, offsets, strict=True):
            self.x[item] = shift + offset

    def _place_rows(self):
        rows, links = self.graph.rows, self.graph.links
        heights = [2 * BOX_HEIGHT + COMBINER_GAP] * len(rows)
        heights[0] = heights[-1] = BOX_HEIGHT
        self.bottom, self.top = [0.0], [heights[0]]
        for row, height in zip(rows, heights[1:], strict=False):
            reaches = [abs(self.x[a] - self.x[b]) for a, b in links if a in row]
            # Far-reaching edges need height, or they run flat and merge.
            gap = min(2.2, 0.55 + 0.14 * max(reaches, default=0.0))
            self.bottom.append(self.top[-1] + gap)
            self.top.append(self.bottom[-1] + height)

    def boxes(self):
        """Yields the boxes, from the inputs to the outputs."""
        count = self.cell.num_inputs
        for item in self.graph.items:
            kind, number, *_ = item
            place = {"x": self.x[item], "width": self.widths[item]}
            if kind == "output":
                label, note = self._output_label(number)
                y = self.top[-1] - BOX_HEIGHT / 2
                yield Box(f"output_{number}", kind, label, note, y=y, **place)
            elif kind == "state" and number < count:
                label, y = _input_label(number, count), BOX_HEIGHT / 2
                yield Box(f"input_{number}", "input", label, "", y=y, **place)
            elif kind == "state":
                yield from self._block_boxes(item, number - count)

    def _output_label(self, number):
        outputs = self.cell.outputs
        joined = "concat" if len(outputs[number]) > 1 else ""
        if len(outputs) > 1:
            return f"output {number}", joined
        return joined or "output", ""

    def _block_boxes(self, item, number):
        block, row = self.cell.blocks[number], self.graph.layer[item[1]]
        shift = (self.operation_width + OPERATION_GAP) / 2
        if self._sides_cross(item, block):
            shift = -shift
        for side, (operation, state) in enumerate(block.branches):
            strided = self.stride > 1 and state < self.cell.num_inputs
            yield Box(
                f"block_{number}_{SIDES[side]}",
                "operation",
                operation_form(operation).label,
                f"stride {self.stride}" if strided else "",
                self.x[item] + (shift if side else -shift),
                self.bottom[row] + BOX_HEIGHT / 2,
                self.operation_width,
            )
        yield Box(
            f"block_{number}",
            "combiner",
            combiner_label(block.combiner),
            f"block {number}",
            self.x[item],
            self.top[row] - BOX_HEIGHT / 2,
            self._combiner_width(number),
        )

    def _sides_cross(self, item, block):
        """Whether the operations change places; a concat keeps its order."""
        left, right = [
            self.x[route.before]
            for route in self.graph.routes
            if route.end == item
        ]
        return block.combiner != "concat" and left > right

    def combining_edges(self, boxes):
        """Yields the edges from operations to their combiners."""
        for number in range(len(self.cell.blocks)):
            above = boxes[f"block_{number}"]
            for side in SIDES:
                below = boxes[f"block_{number}_{side}"]
                share = 0.25 if below.x > above.x else -0.25
                end = (above.x + share * above.width, above.bottom)
                yield Edge(
                    f"{below.name}-{above.name}",
                    "combine",
                    self.cell.num_inputs + number,
                    ((below.x, below.top), end),
                )

    def edges(self, boxes):
        """Yields the edges between blocks, inputs and outputs."""
        ends = [
            (route, *self._ends(route, boxes)) for route in self.graph.routes
        ]
        exits: dict[Box, set] = {}
        entries: dict[Box, set] = {}
        for route, start, end in ends:
            exits.setdefault(start, set()).add(self._exit(route, end))
            entries.setdefault(end, set()).add(
                (self.x[route.before], route.part)
            )
        for route, start, end in ends:
            exit_x = _port(start, exits[start], self._exit(route, end))
            entry_x = _port(
                end, entries[end], (self.x[route.before], route.part)
            )
            points = [(exit_x, start.top)]
            for lane in route.lanes:
                x, row = self.x[lane], lane[-1]
                points += [(x, self.bottom[row]), (x, self.top[row])]
            yield Edge(
                f"{start.name}-{end.name}",
                "output" if route.end[0] == "output" else "input",
                route.state,
                (*points, (entry_x, end.bottom)),
            )

    def _ends(self, route, boxes):
        block = route.state - self.cell.num_inputs
        start = f"input_{route.state}" if block < 0 else f"block_{block}"
        kind, number = route.end
        end = f"output_{number}"
        if kind == "state":
            block = number - self.cell.num_inputs
            end = f"block_{block}_{SIDES[route.part]}"
        return boxes[start], boxes[end]

    def _exit(self, route, end):
        """Where an edge heads to; those that share a lane leave as one."""
        if route.lanes:
            return (self.x[route.lanes[0]], route.end[0])
        return (end.x, end.name)


def _port(box, keys, key):
    """The x of one of the edges that are spread over a side of a box."""
    place = (sorted(keys).index(key) + 1) / (len(keys) + 1) - 0.5
    return box.x + place * box.width


def _input_label(number, count):
    two = ("$h_i$", "$h_{i-1}$")
    return two[number] if count <= 2 else f"$h_{{{number}}}$"
