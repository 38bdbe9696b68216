"""A search space as a list of categorical decisions."""

import dataclasses
import functools
import math

import numpy as np

from nasnet_tf.checks.errors import InputError


@dataclasses.dataclass(frozen=True)
class DecisionSpace:
    """What a strategy searches: so many decisions of so many options each.

    Args:
        sizes: options of each decision, in the order in which they are made.
        names: such as `"normal/block_0/left_input"`.
        kinds: decisions of one kind mean the same, such as `"operation"`.
        options: what the options of each decision are called.

    Raises:
        InputError: there is no decision, one has no option, or the lengths
            differ.
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]

    def __post_init__(self):
        if not self.sizes:
            raise InputError("sizes: () is no space; give one decision or more")
        for field in ("names", "kinds", "options"):
            length = len(getattr(self, field))
            if length != len(self.sizes):
                raise InputError(
                    f"{field}: {length} for {len(self.sizes)} decisions; give "
                    "one each"
                )
        for name, size, labels in zip(
            self.names, self.sizes, self.options, strict=True
        ):
            if size < 1 or len(labels) != size:
                raise InputError(
                    f"options: decision {name} has {len(labels)} options for "
                    f"a size of {size}; give as many, and one or more"
                )

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def log10_size(self) -> float:
        """Logarithm to base 10 of how many architectures there are."""
        return sum(map(math.log10, self.sizes))

    def check(self, decisions) -> np.ndarray:
        """Checks decisions of one architecture or of several.

        Args:
            decisions: integers `(decisions,)` or `(n, decisions)`.

        Returns:
            The same as an int32 array.

        Raises:
            InputError: they are no decisions of this space; names the first
                that is at fault.
        """
        values = np.asarray(decisions)
        if values.ndim not in (1, 2) or values.shape[-1] != len(self):
            raise InputError(
                f"decisions: shape {values.shape} is neither ({len(self)},) "
                f"nor (n, {len(self)})"
            )
        if values.size and not np.issubdtype(values.dtype, np.integer):
            raise InputError(f"decisions: {values.dtype} are not integers")
        wrong = (values < 0) | (values >= np.array(self.sizes))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            number = place[-1]
            raise InputError(
                f"decisions: {self.names[number]} is {values[place]}; choose "
                f"from 0 to {self.sizes[number] - 1}"
            )
        return values.astype("int32")

    @functools.cached_property
    def changeable(self) -> np.ndarray:
        """Which decisions have more than one option.

        Raises:
            InputError: none has.
        """
        found = np.flatnonzero(np.array(self.sizes) > 1)
        if not len(found):
            raise InputError(
                "space: every decision has one option; give one that has more"
            )
        return found

    def change(self, generator, decisions: np.ndarray, place: int) -> None:
        """Gives one decision of an architecture another option, in place.

        Args:
            generator: of the option.
            decisions: `(decisions,)`.
            place: of `changeable`.
        """
        size = self.sizes[place]
        # From 1: never the option that it has.
        decisions[place] = (
            decisions[place] + generator.integers(1, size)
        ) % size

    def shares(self, decisions: np.ndarray) -> list[np.ndarray]:
        """How many of some architectures have each option of each decision.

        Args:
            decisions: `(n, decisions)`.

        Returns:
            By decision a share for each option; equal ones where there is no
            architecture.
        """
        if not len(decisions):
            return [np.full(size, 1 / size) for size in self.sizes]
        return [
            np.bincount(column, minlength=size) / len(column)
            for column, size in zip(decisions.T, self.sizes, strict=True)
        ]

    def encode(self, decisions) -> np.ndarray:
        """What a model of architectures reads, such that equal ones are equal.

        Here a 1 for each decision's option.

        Args:
            decisions: `(n, decisions)`.

        Returns:
            float64 `(n, features)`.
        """
        return self.one_hot(decisions)

    def normal_forms(self, decisions) -> list[tuple[int, ...]]:
        """What stands for all ways to write each architecture.

        Here the decisions themselves.

        Args:
            decisions: `(n, decisions)`.
        """
        return list(map(tuple, np.asarray(decisions).tolist()))

    def one_hot(self, decisions) -> np.ndarray:
        """A 1 for each decision's option: float64 `(n, sum of sizes)`."""
        decisions = np.asarray(decisions)
        first = np.cumsum((0, *self.sizes[:-1]))
        features = np.zeros((len(decisions), sum(self.sizes)))
        np.put_along_axis(features, decisions + first, 1, axis=1)
        return features

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random architectures (section 2): `(count, decisions)`."""
        return generator.integers(
            self.sizes, size=(count, len(self)), dtype="int32"
        )
