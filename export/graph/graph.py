"""The network as exporting sees it: plain operations and their weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Node:
    """One operation on feature maps `(batch, height, width, channels)`.

    Args:
        op: a name of `export.graph.shapes.SHAPES`, which says what it does.
        inputs: names of the nodes that it reads.
        options: such as `strides` and `padding`; plain values.
        weights: arrays by name, such as `kernel` and `bias`.
    """

    op: str
    inputs: tuple[str, ...] = ()
    options: dict = dataclasses.field(default_factory=dict)
    weights: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def replaced(self, **changes) -> Node:
        """A copy with other fields; `options` and `weights` are updated."""
        for field in ("options", "weights"):
            if field in changes:
                merged = {**getattr(self, field), **changes[field]}
                changes[field] = merged
        return dataclasses.replace(self, **changes)


class Graph:
    """Nodes by name, with one output.

    A rewrite changes a copy as it likes and returns its `sorted()`.

    Args:
        nodes: by name.
        output: the name of the node that the network returns.
        name: of the network.
    """

    def __init__(self, nodes: dict[str, Node], output: str, name: str):
        self.nodes = dict(nodes)
        self.output = output
        self.name = name

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __setitem__(self, name: str, node: Node):
        self.nodes[name] = node

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def __len__(self) -> int:
        """How many operations there are, the input not counted."""
        return sum(node.op != "input" for node in self.nodes.values())

    def copy(self) -> Graph:
        """Shares nodes and weights, which nobody changes in place."""
        return Graph(self.nodes, self.output, self.name)

    def of(self, *ops: str) -> list[tuple[str, Node]]:
        """The nodes of these operations as they are now, in order."""
        return [(n, v) for n, v in self.nodes.items() if v.op in ops]

    def add(self, name: str, op: str, inputs: Sequence[str], **fields) -> str:
        """Adds a node; returns its name, with a number if it was taken."""
        unique, number = name, 1
        while unique in self.nodes:
            number += 1
            unique = f"{name}_{number}"
        self.nodes[unique] = Node(op, tuple(inputs), **fields)
        return unique

    def redirect(self, old: str, new: str, keep: Sequence[str] = ()):
        """Lets all that read `old` read `new`, but for the nodes in `keep`."""
        for name, node in self.nodes.items():
            if old in node.inputs and name not in keep:
                inputs = tuple(new if n == old else n for n in node.inputs)
                self.nodes[name] = dataclasses.replace(node, inputs=inputs)
        if self.output == old:
            self.output = new

    def readers(self) -> dict[str, list[str]]:
        """The names of the nodes that read each node, once for each input."""
        readers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name, node in self.nodes.items():
            for read in node.inputs:
                readers[read].append(name)
        return readers

    def sorted(self) -> Graph:
        """Only what the output needs, every node after its inputs."""
        done: dict[str, Node] = {}
        # A list, for a network may be deeper than Python's stack.
        waiting = [self.output]
        while waiting:
            name = waiting[-1]
            missing = [n for n in self.nodes[name].inputs if n not in done]
            if missing:
                waiting += reversed(missing)
            else:
                done.setdefault(name, self.nodes[name])
                waiting.pop()
        return Graph(done, self.output, self.name)
