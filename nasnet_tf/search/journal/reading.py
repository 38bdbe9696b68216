"""What a search left in its model_dir, read without training anything."""

import dataclasses
import datetime
import json
import pathlib

import numpy as np
import yaml

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.beliefs import Belief, read_beliefs, recommended
from nasnet_tf.search.journal.file_names import (
    CONFIG_FILE,
    FINALISTS_FILE,
    METRICS_FILE,
)
from nasnet_tf.search.journal.records import (
    ChildRecord,
    history,
    read_rounds,
    read_trainings,
)

# Seconds without any child in training after which the search was off, if no
# child takes longer.
_PAUSE = 60.0


@dataclasses.dataclass(frozen=True)
class SearchRun:
    """A search, finished or not.

    Args:
        folder: its model_dir.
        config: its configuration as plain values; empty where there is none.
        records: one for each child that was trained, in the order of their
            samples.
        rounds: the lines of `metrics.jsonl`, in the order of rounds.
        finalists: the content of `finalists.json`; empty before the end.
        beliefs: by child, of a race or a strategy that has any.
        repeats: the records of the race's trainings, by child.
    """

    folder: pathlib.Path
    config: dict
    records: list[ChildRecord]
    rounds: list[dict]
    finalists: dict
    beliefs: dict[int, Belief] = dataclasses.field(default_factory=dict)
    repeats: list[ChildRecord] = dataclasses.field(default_factory=list)

    @property
    def strategy(self) -> str:
        """The name of the strategy, `"rl"` where it is not known."""
        return self.config.get("strategy", {}).get("name", "rl")

    @property
    def seconds(self) -> np.ndarray:
        """How long each child took, in the order of `records`."""
        return np.array([record.seconds for record in self.records])

    @property
    def trainings(self) -> list[ChildRecord]:
        """The records of all trainings, those of the race too."""
        return [*self.records, *self.repeats]

    @property
    def workers(self) -> int:
        """How many workers trained a child."""
        return len({record.worker for record in self.trainings})

    @property
    def succeeded(self) -> list[ChildRecord]:
        """The records of children that were trained to the end."""
        return [record for record in self.records if not record.failure]

    @property
    def failures(self) -> list[ChildRecord]:
        """The records of children that could not be trained."""
        return [record for record in self.records if record.failure]

    def best(self, count: int) -> list[ChildRecord]:
        """What is recommended, best first; see `beliefs.recommended`."""
        return recommended(self.records, self.beliefs, count)

    @property
    def samples(self) -> list[ChildRecord]:
        """The record of every sample in order, repeats included.

        Those of rounds that are not finished are left out.
        """
        # Before the first round is done, the children there are.
        return history(self.records, self.rounds) or self.records

    @property
    def elapsed(self) -> float:
        """Seconds that the search ran, without the time that it was off."""
        spans = sorted(
            (_end(record) - record.seconds, _end(record))
            for record in self.trainings
        )
        pause = max(_PAUSE, self.seconds.max())
        first, last = spans[0]
        total = 0.0
        for start, end in spans[1:]:
            if start - last > pause:
                total += last - first
                first = start
            last = max(last, end)
        # Times are kept in whole seconds; children of a table take none.
        return max(total + last - first, 1e-3)


def read_run(model_dir) -> SearchRun:
    """Reads the files of a search.

    Args:
        model_dir: of the search.

    Raises:
        InputError: it is no folder of a search, has no finished child, or
            its journal lacks some.
    """
    folder = expanded_path("model_dir", model_dir)
    # First: beside a running search, the journal then has all of these.
    rounds = read_rounds(folder / METRICS_FILE)
    trainings = read_trainings(folder)
    records = [record for record in trainings if not record.repeat]
    if not records:
        raise InputError(
            f"model_dir: {folder} holds no finished child of a search; give "
            "the model_dir of nasnet_tf.search.run"
        )
    known = {record.child for record in records}
    for line in rounds:
        if lost := set(line["children"]) - known:
            raise InputError(
                f"model_dir: the journal in {folder} lacks child {min(lost)} "
                f"of round {line['round']}; put journal/ back"
            )
    return SearchRun(
        folder,
        _read(folder / CONFIG_FILE, yaml.safe_load),
        records,
        rounds,
        _read(folder / FINALISTS_FILE, json.loads),
        read_beliefs(folder),
        [record for record in trainings if record.repeat],
    )


def _end(record):
    return datetime.datetime.fromisoformat(record.finished).timestamp()


def _read(path, parse):
    if not path.is_file():
        return {}
    return parse(path.read_text(encoding="utf-8")) or {}
