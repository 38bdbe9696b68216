"""The journal: every finished child is a line that outlives any crash."""

import dataclasses
import json
import math
import os
import pathlib
import threading
from collections.abc import Iterable

from nasnet_tf.search.journal.durable_files import append, writable

FOLDER = "journal"
_PREFIX, _SUFFIX = "worker_", ".jsonl"
# More than any search has samples.
_REPEAT = 1_000_000_000


def training_number(child: int, repeat: int) -> int:
    """The number of a training; of a child's first the child's own."""
    return repeat * _REPEAT + child


def training_name(number: int) -> str:
    """What messages call the training of a number."""
    repeat, child = divmod(number, _REPEAT)
    return f"child {child}" + (f", repeat {repeat}" if repeat else "")


@dataclasses.dataclass(frozen=True)
class ChildRecord:
    """What is known of a child that was trained.

    Args:
        child: number of the first sample that proposed it, from 0.
        round: of that sample.
        decisions: of the space.
        genotype: as `Genotype.to_dict` gives it; None in a space without.
        reward: what the strategy learns from.
        accuracy: on the held-out images, in [0, 1].
        cost: that the objective trades accuracy against, or None.
        parameters: of the child's network, where known.
        mult_adds: of an image, where known.
        filters: F of the child's network, where known.
        curve: of its training: a dict for each evaluation.
        seconds: that its training took.
        worker: which trained it.
        attempt: 1, or more where workers died while they trained it.
        failure: why it could not be trained, or None.
        finished: when, in ISO format.
        repeat: 0; above, this is another training of the child with other
            random numbers; see `nasnet_tf.search.race`.
    """

    child: int
    round: int
    decisions: tuple[int, ...]
    genotype: dict | None
    reward: float
    accuracy: float
    cost: float | None = None
    parameters: int | None = None
    mult_adds: int | None = None
    filters: int | None = None
    curve: list[dict] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    worker: int = 0
    attempt: int = 1
    failure: str | None = None
    finished: str = ""
    repeat: int = 0

    @property
    def number(self) -> int:
        """See `training_number`."""
        return training_number(self.child, self.repeat)

    def to_json(self) -> str:
        """One line; numbers that JSON does not have become null."""
        return json.dumps(_finite(dataclasses.asdict(self)), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "ChildRecord | None":
        """The inverse of `to_json`; None of what is no record."""
        try:
            values = json.loads(text)
            values["decisions"] = tuple(map(int, values["decisions"]))
            return cls(**values)
        except (ValueError, TypeError, KeyError):
            return None


class Journal:
    """The records of all workers; each writes in a file of its own.

    What follows is of first trainings, unless it says otherwise. Another
    thread may use it at the same time.

    Args:
        model_dir: of the search; shared by the workers.
        worker: the number of this one. What a crash left of a last line of
            its file is removed.

    Raises:
        InputError: the folder cannot be written; so for `append`.
    """

    def __init__(self, model_dir, worker: int = 0):
        self._folder = pathlib.Path(model_dir) / FOLDER
        self._path = self._folder / f"{_PREFIX}{worker}{_SUFFIX}"
        # `append` holds it while it calls `refresh`.
        self._lock = threading.RLock()
        self._read_up_to: dict[str, int] = {}
        self._records: dict[tuple[int, ...], ChildRecord] = {}
        self._repeats: dict[int, ChildRecord] = {}
        with writable(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            _drop_torn_line(self._path)
        self.refresh()

    def append(self, record: ChildRecord) -> None:
        """Writes a record; returns when the disk has it."""
        with self._lock:
            with writable(self._path):
                append(self._path, record.to_json() + "\n")
            self.refresh()

    def refresh(self) -> None:
        """Reads what was written since the last time, by all workers."""
        with self._lock:
            _read(self._folder, self._records, self._repeats, self._read_up_to)

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    def get(self, decisions: tuple[int, ...]) -> ChildRecord | None:
        """The record of an architecture, as of the last `refresh`."""
        with self._lock:
            return self._records.get(decisions)

    def __getitem__(self, decisions: tuple[int, ...]) -> ChildRecord:
        """As `get`, of an architecture that is known to have a record."""
        with self._lock:
            return self._records[decisions]

    def records(self) -> list[ChildRecord]:
        """All records, by child."""
        with self._lock:
            return sorted(self._records.values(), key=lambda r: r.child)

    def repeat(self, number: int) -> ChildRecord | None:
        """The record of a child's repeat."""
        with self._lock:
            return self._repeats.get(number)

    def numbers(self) -> set[int]:
        """Of all trainings, repeats too."""
        with self._lock:
            first = {record.number for record in self._records.values()}
            return first | self._repeats.keys()


def read_journal(model_dir) -> list[ChildRecord]:
    """The records of a search, by child; nothing is written."""
    return [record for record in read_trainings(model_dir) if not record.repeat]


def read_trainings(model_dir) -> list[ChildRecord]:
    """The records of a search and its race, by child and repeat."""
    records: dict[tuple[int, ...], ChildRecord] = {}
    repeats: dict[int, ChildRecord] = {}
    _read(pathlib.Path(model_dir) / FOLDER, records, repeats, read_up_to={})
    both = (*records.values(), *repeats.values())
    return sorted(both, key=lambda record: (record.child, record.repeat))


def history(
    records: Iterable[ChildRecord], rounds: Iterable[dict]
) -> list[ChildRecord]:
    """The record of every sample in order; repeats have the same one.

    Args:
        records: of `read_journal`.
        rounds: the lines of `metrics.jsonl`, see `read_rounds`.
    """
    by_child = {record.child: record for record in records}
    return [by_child[child] for line in rounds for child in line["children"]]


def read_rounds(path) -> list[dict]:
    """The lines of `metrics.jsonl`, one a round; none where it is missing."""
    rounds: list[dict] = []
    for line in _whole_lines(pathlib.Path(path), 0)[0]:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        # A round that was begun again after a crash is there twice.
        if isinstance(values, dict) and values.get("round") == len(rounds):
            rounds.append(values)
    return rounds


def count_lines(model_dir) -> int:
    """How many records the journal has; reads no more than it must."""
    folder = pathlib.Path(model_dir) / FOLDER
    paths = folder.glob(f"{_PREFIX}*{_SUFFIX}")
    return sum(path.read_bytes().count(b"\n") for path in paths)


def _read(folder, records, repeats, read_up_to):
    """Adds what all files hold after the bytes that were read of them."""
    for path in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}")):
        start = read_up_to.get(path.name, 0)
        lines, read_up_to[path.name] = _whole_lines(path, start)
        for record in filter(None, map(ChildRecord.from_json, lines)):
            if record.repeat:
                repeats.setdefault(record.number, record)
            else:
                records.setdefault(record.decisions, record)


def _whole_lines(path, start):
    """The lines from a byte on, and the byte after the last whole one."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read()
    except FileNotFoundError:
        return [], start
    # Another worker may be in the middle of a line.
    end = content.rfind(b"\n") + 1
    return content[:end].splitlines(), start + end


def _drop_torn_line(path):
    if not path.exists():
        return
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
