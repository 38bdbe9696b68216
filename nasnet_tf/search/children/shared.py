"""Children that go on with the weights that earlier ones left.

As ENAS (Pham et al. 2018, arXiv:1802.03268): every operation of every block
of every cell has one set of weights, which all children train that have this
operation there.
"""

from __future__ import annotations

import io
import pathlib

import numpy as np

from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.traced.children import TracedChildren
from nasnet_tf.search.children.traced.program import Program
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.durable_files import replace, writable
from nasnet_tf.search.space.cell_space import CellSpace

_ALL, _BEFORE = "all ", "before "


class SharedWeights:
    """Weights by name and shape, as the last child left them.

    Where the record of the last child was lost in a crash, it is trained
    again, from the weights that it found the first time.

    Args:
        path: of their file; None: in memory alone.

    Raises:
        InputError: the file cannot be written; so for `give`.
    """

    def __init__(self, path: pathlib.Path | None = None):
        self._path = path
        self._weights: dict[str, np.ndarray] = {}
        # Of the last child: its seed, its weights' keys, and what they were.
        self._last: int | None = None
        self._keys: list[str] = []
        self._before: dict[str, np.ndarray] = {}
        if path is not None and path.exists():
            self._load(path)

    def __len__(self) -> int:
        return len(self._weights)

    def take(self, seed: int, weights: dict) -> dict:
        """Puts what is known in the place of a child's own first weights.

        Args:
            seed: of the child.
            weights: arrays by name.
        """
        if seed == self._last:
            # What the lost training left goes; what it found comes back.
            for key in self._keys:
                del self._weights[key]
            self._weights |= self._before
            self._last, self._keys, self._before = None, [], {}
        return {
            name: self._weights.get(_key(name, value), value)
            for name, value in weights.items()
        }

    def give(self, seed: int, weights: dict) -> None:
        """Keeps a child's weights; returns when the disk has them."""
        new = {_key(name, value): value for name, value in weights.items()}
        self._last, self._keys = seed, list(new)
        self._before = {
            key: self._weights[key] for key in new if key in self._weights
        }
        self._weights |= new
        if self._path is not None:
            self._save(self._path)

    def _save(self, path):
        arrays = {
            "last": np.array(self._last),
            "keys": np.array(self._keys),
            **{_ALL + key: value for key, value in self._weights.items()},
            **{_BEFORE + key: value for key, value in self._before.items()},
        }
        content = io.BytesIO()
        # Its stub takes one of any names for `allow_pickle`.
        np.savez(content, **arrays)  # type: ignore[arg-type]
        with writable(path):
            replace(path, content.getvalue())

    def _load(self, path):
        with np.load(path) as file:
            self._last, self._keys = int(file["last"]), file["keys"].tolist()
            for name in file.files:
                for prefix, weights in (
                    (_ALL, self._weights),
                    (_BEFORE, self._before),
                ):
                    if name.startswith(prefix):
                        weights[name.removeprefix(prefix)] = file[name]


class SharedChildren(TracedChildren):
    """Children that begin with what earlier ones left of their weights.

    What comes of a child depends on those before it. It judges an
    architecture after few steps, but less truly than training from scratch.

    Args:
        config: of the search.
        data: of its children.
        space: of the genotypes.
        path: of the file of `SharedWeights`.
    """

    method = "shared"

    def __init__(
        self,
        config: SearchConfig,
        data: ChildData,
        space: CellSpace,
        path: pathlib.Path | None = None,
    ):
        super().__init__(config, data, space)
        self.shared = SharedWeights(path)
        self._current: tuple[int, Program] | None = None

    def first_weights(self, program: Program, seed: int):
        self._current = seed, program
        return self.shared.take(seed, super().first_weights(program, seed))

    def keep(self):
        assert self._current is not None, "no child took its first weights"
        seed, program = self._current
        self.shared.give(seed, self.network.weights(program))


def _key(name, value):
    # An operation's weights change their shape with what its cell reads.
    return f"{name} {'x'.join(map(str, value.shape))}"
