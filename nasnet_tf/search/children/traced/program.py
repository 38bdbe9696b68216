"""A child as rows of numbers that a machine runs."""

from __future__ import annotations

import dataclasses

import numpy as np

from nasnet_tf.search.children.traced.instruction_set import InstructionSet
from nasnet_tf.search.children.traced.recording import (
    FIXED_REGISTERS,
    IMAGES,
    LOGITS,
    LOGITS_GRADIENT,
    Recording,
    Step,
)

VECTORS = ("kernels", "scales", "statistics")


@dataclasses.dataclass(frozen=True)
class Program:
    """What a machine needs to know of a child.

    Args:
        rows: for each phase `(instructions, width)`, int32.
        counts: how many registers there are, and how many parts the
            gradients of `kernels` and `scales` and the new statistics have.
        layout: for each of `VECTORS` a dict of shapes by name, in order.
    """

    rows: dict[str, np.ndarray]
    counts: dict[str, int]
    layout: dict[str, dict[str, tuple[int, ...]]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all weights by name."""
        return {k: v for part in self.layout.values() for k, v in part.items()}

    def size(self, vector: str) -> int:
        """Numbers in a vector."""
        return sum(int(np.prod(s)) for s in self.layout[vector].values())

    def packed(self, vector: str, weights: dict, size: int) -> np.ndarray:
        """Weights by name as a vector, with zeros up to `size`."""
        parts = [weights[name].ravel() for name in self.layout[vector]]
        flat = np.concatenate(parts)
        return np.pad(flat, (0, size - flat.size))

    def places(self, vector: str, ending: str) -> np.ndarray:
        """Where in a vector the weights are whose names end so."""
        parts, start = [], 0
        for name, shape in self.layout[vector].items():
            end = start + int(np.prod(shape))
            if name.endswith(ending):
                parts.append(np.arange(start, end))
            start = end
        return np.concatenate(parts)

    def unpacked(self, vector: str, values: np.ndarray) -> dict:
        """The inverse of `packed`."""
        weights, start = {}, 0
        for name, shape in self.layout[vector].items():
            end = start + int(np.prod(shape))
            weights[name] = values[start:end].reshape(shape)
            start = end
        return weights


@dataclasses.dataclass
class _Instruction:
    """A row whose registers have no place yet."""

    phase: str
    kind: object
    reads: dict[str, int]
    writes: dict[str, int]
    numbers: dict[str, list[int]]


def compile_program(
    recording: Recording, instruction_set: InstructionSet
) -> Program:
    """The program of a network.

    What the logits do not depend on is left out; its weights stay.
    """
    live, dead = _split(recording.steps)
    layout: dict[str, dict[str, tuple]] = {vector: {} for vector in VECTORS}
    places = {}
    # A built child has the dead ones' weights too, and the first weights are
    # drawn in the order of all names.
    for step in (*live, *dead):
        for vector in VECTORS:
            for name, shape in getattr(step, vector).values():
                layout[vector][name] = shape
    for shapes in layout.values():
        start = 0
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            places[name] = [start, size, *(shape if len(shape) > 1 else ())]
            start += size
    backward = instruction_set.phases["backward"]
    compiler = _Compiler(live, places, recording.registers, backward)
    training = [*compiler.forward(), *compiler.backward()]
    evaluation = compiler.evaluation()
    counts = compiler.counts
    counts["registers"] = max(_allocate(training), _allocate(evaluation))
    rows = {
        phase: _rows(part, instruction_set.phases[phase], instruction_set.width)
        for phase, part in (
            ("forward", [i for i in training if i.phase == "forward"]),
            ("backward", [i for i in training if i.phase == "backward"]),
            ("evaluation", evaluation),
        )
    }
    return Program(rows, counts, layout)


def _split(steps: list[Step]):
    """The steps that the logits depend on, and the others."""
    needed, live = {LOGITS}, []
    for step in reversed(steps):
        if step.output in needed:
            needed.update(step.inputs.values())
            live.append(step)
    live.reverse()
    chosen = set(map(id, live))
    return live, [step for step in steps if id(step) not in chosen]


class _Compiler:
    """Turns steps into instructions."""

    def __init__(self, steps, places, registers, backward):
        self.steps = steps
        self.places = places
        self.registers = registers
        self.known = backward
        self.counts = dict.fromkeys(VECTORS, 0)
        # Which part of the gradients or statistics a step makes.
        self.parts = []
        for step in steps:
            part = {}
            for vector in VECTORS:
                if getattr(step, vector):
                    part[vector] = [self.counts[vector]]
                    self.counts[vector] += 1
            self.parts.append(part)

    def _weights(self, step, vectors):
        return {
            field: self.places[name]
            for vector in vectors
            for field, (name, _) in getattr(step, vector).items()
        }

    def forward(self):
        for step, part in zip(self.steps, self.parts, strict=True):
            numbers = {**step.sizes, **self._weights(step, VECTORS[:2])}
            if "statistics" in part:
                numbers["statistics"] = part["statistics"]
            writes = {"y": step.output, **step.kept}
            yield _Instruction(
                "forward", step.kind, dict(step.inputs), writes, numbers
            )

    def evaluation(self):
        return [
            _Instruction(
                "evaluation",
                step.kind,
                dict(step.inputs),
                {"y": step.output},
                {**step.sizes, **self._weights(step, VECTORS)},
            )
            for step in self.steps
        ]

    def backward(self):
        # By register, those of the gradients that its readers give it.
        self.gradients = {LOGITS: [LOGITS_GRADIENT]}
        for step, part in zip(
            reversed(self.steps), reversed(self.parts), strict=True
        ):
            dy = yield from self._summed(self.gradients.pop(step.output))
            if step.kind == "add":
                for register in step.inputs.values():
                    self._give(register, dy)
            elif step.channels:
                yield from self._slices(step, dy)
            else:
                dx = self._register()
                self._give(step.inputs["x"], dx)
                yield self._gradient(step, part, dy, dx)

    def _gradient(self, step, part, dy, dx):
        values = {"dy": dy, **step.kept, **step.inputs, "y": step.output}
        fields = self.known[step.kind].fields
        reads = {f: register for f, register in values.items() if f in fields}
        numbers = self._weights(step, VECTORS[:2])
        numbers |= {v: part[v] for v in VECTORS[:2] if v in part}
        return _Instruction("backward", step.kind, reads, {"dx": dx}, numbers)

    def _slices(self, step, dy):
        begin = 0
        for number, channels in enumerate(step.channels):
            dx = self._register()
            numbers = {
                "begin": [0, 0, 0, begin],
                "size": [-1, -1, -1, channels],
            }
            yield _Instruction(
                "backward", "slice", {"dy": dy}, {"dx": dx}, numbers
            )
            self._give(step.inputs[f"x{number}"], dx)
            begin += channels

    def _summed(self, gradients):
        total, *others = gradients
        for other in others:
            reads = {"left": total, "right": other}
            total = self._register()
            yield _Instruction("backward", "add", reads, {"y": total}, {})
        return total

    def _register(self):
        self.registers += 1
        return self.registers - 1

    def _give(self, register, gradient):
        # No weight lies before the images.
        if register != IMAGES:
            self.gradients.setdefault(register, []).append(gradient)


def _allocate(instructions: list[_Instruction]) -> int:
    """Gives registers that are free again to others; the number of all."""
    last = {}
    for number, instruction in enumerate(instructions):
        for register in _registers(instruction):
            last[register] = number
    place = {register: register for register in range(FIXED_REGISTERS)}
    free: list[int] = []
    count = FIXED_REGISTERS
    for number, instruction in enumerate(instructions):
        for register in _registers(instruction):
            if register not in place:
                if not free:
                    free.append(count)
                    count += 1
                place[register] = free.pop()
        ended = {
            register
            for register in _registers(instruction)
            if last[register] == number and register >= FIXED_REGISTERS
        }
        for part in (instruction.reads, instruction.writes):
            part.update({f: place[register] for f, register in part.items()})
        free += sorted(place[register] for register in ended)
    return count


def _registers(instruction):
    return (*instruction.reads.values(), *instruction.writes.values())


def _rows(instructions, known, width):
    """The numbers of instructions, each in the order of its fields."""
    numbers = {kind: number for number, kind in enumerate(known)}
    rows = np.zeros((len(instructions), width), "int32")
    for row, instruction in zip(rows, instructions, strict=True):
        values = dict(instruction.numbers)
        for part in (instruction.reads, instruction.writes):
            values |= {field: [register] for field, register in part.items()}
        line = [numbers[instruction.kind]]
        for field in known[instruction.kind].fields:
            line += values[field]
        row[: len(line)] = line
    return rows
