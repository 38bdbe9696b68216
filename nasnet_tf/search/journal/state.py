"""Checkpoints of a search: all that its next round depends on."""

import dataclasses
import io
import pathlib
import zipfile
import zlib

import numpy as np
from absl import logging

from nasnet_tf.checks.errors import first_line
from nasnet_tf.search.journal.durable_files import replace, writable

FOLDER = "controller"
# More than one, since a damaged one is passed over.
KEEP = 3
_PREFIX, _SUFFIX = "round_", ".npz"
_STRATEGY = "strategy/"


@dataclasses.dataclass
class SearchState:
    """A search after a round.

    Args:
        rounds: that the strategy has learned from.
        proposals: of the rounds after these that are in flight, int32
            `(rounds in flight, round size, decisions)`.
        children: the child of each sample of the rounds learned from.
        strategy: `Strategy.state()`.
    """

    rounds: int
    proposals: np.ndarray
    children: np.ndarray
    strategy: dict[str, np.ndarray]


def save_state(model_dir, state: SearchState) -> pathlib.Path:
    """Writes a checkpoint, and drops all but the newest few.

    Raises:
        InputError: it cannot be written; the ones before stay.
    """
    folder = pathlib.Path(model_dir) / FOLDER
    path = folder / f"{_PREFIX}{state.rounds:05}{_SUFFIX}"
    arrays = {
        "rounds": np.array(state.rounds, "int64"),
        "proposals": np.asarray(state.proposals, "int32"),
        "children": np.asarray(state.children, "int32"),
        **{_STRATEGY + name: value for name, value in state.strategy.items()},
    }
    content = io.BytesIO()
    # It stores a checksum of each array, which reading compares; its stub
    # takes one of any names for `allow_pickle`.
    np.savez(content, **arrays)  # type: ignore[arg-type]
    with writable(path):
        folder.mkdir(parents=True, exist_ok=True)
        replace(path, content.getvalue())
        for old in checkpoints(model_dir)[:-KEEP]:
            old.unlink(missing_ok=True)
    return path


def restore_state(model_dir) -> SearchState | None:
    """The newest checkpoint that can be read, or None.

    Damaged ones are passed over, and logged; from what the journal holds the
    search comes to the same state again.
    """
    for path in reversed(checkpoints(model_dir)):
        try:
            return _read(path)
        # All that NumPy and zipfile raise of what is damaged.
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            logging.warning(
                "checkpoint %s cannot be read (%s); going on from an earlier "
                "one and the journal",
                path,
                first_line(error),
            )
    return None


def checkpoints(model_dir) -> list[pathlib.Path]:
    """The files of the checkpoints, the newest last."""
    folder = pathlib.Path(model_dir) / FOLDER
    paths = folder.glob(f"{_PREFIX}*{_SUFFIX}")
    # From round 100,000 on names are longer.
    return sorted(paths, key=lambda path: (len(path.name), path.name))


def _read(path):
    with np.load(path, allow_pickle=False) as arrays:
        return SearchState(
            rounds=int(arrays["rounds"]),
            proposals=arrays["proposals"],
            children=arrays["children"],
            strategy={
                name.removeprefix(_STRATEGY): arrays[name]
                for name in arrays.files
                if name.startswith(_STRATEGY)
            },
        )
