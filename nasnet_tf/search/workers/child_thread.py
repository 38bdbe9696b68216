"""The thread of a worker that trains children, one after the other."""

import dataclasses
import datetime
import hashlib
import math
import threading
import time
from collections.abc import Callable

from nasnet_tf.checks.errors import InputError, JobError, first_line
from nasnet_tf.search.children.result import ChildResult
from nasnet_tf.search.journal.claims import MOST_DEATHS, Claims
from nasnet_tf.search.journal.records import (
    ChildRecord,
    Journal,
    training_number,
)

# Seeds of NumPy and of TensorFlow's stateless operations both take these.
_SEEDS = 1_000_000_000
# So many unexpected failures one after the other are no bad luck.
_SICK = 3


@dataclasses.dataclass(frozen=True)
class Child:
    """A child to be trained.

    Args:
        child: number of the sample that proposed it first, from 0.
        round: of that sample.
        decisions: of the space.
        repeat: 0, or which training after the first it is.
    """

    child: int
    round: int
    decisions: tuple[int, ...]
    repeat: int = 0

    @property
    def number(self) -> int:
        """Of the training; see `training_number`."""
        return training_number(self.child, self.repeat)

    def record(self, journal: Journal) -> ChildRecord | None:
        """What the journal has of this training."""
        if self.repeat:
            return journal.repeat(self.number)
        return journal.get(self.decisions)


def child_seed(seed: int, decisions: tuple[int, ...], repeat: int = 0) -> int:
    """The seed of a child, the same whoever trains it and when.

    Args:
        seed: of the search.
        decisions: of the child.
        repeat: which training after the first it is.
    """
    text = f"{seed} {' '.join(map(str, decisions))}"
    if repeat:
        text += f" repeat {repeat}"
    # Not `hash`, which gives each process another number for a text.
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SEEDS


def is_training() -> bool:
    """Whether a thread of this process still trains a child."""
    return any(isinstance(t, ChildThread) for t in threading.enumerate())


class ChildThread(threading.Thread):
    """Claims, trains and records children until it is ended.

    Args:
        make_trainer: called in the thread, without arguments; returns what
            trains, and what judges: `(genotype, accuracy)` to what a record
            says of it: `reward`, `cost`, `parameters` and `mult_adds`.
        space: of the children.
        seed: of the search.
        journal: takes the records.
        claims: of all workers.
        worker: the number of this one.
        poll: seconds between looks for work, where there is none.
        note: of its claims; see `Claims.take`.
        measure: what is judged in place of accuracy; see `ObjectiveConfig`.

    Attributes:
        changed: set when a child is finished or something is wrong.
        current: the child that is being trained.
    """

    def __init__(
        self,
        make_trainer: Callable,
        space,
        seed: int,
        journal: Journal,
        claims: Claims,
        worker: int,
        poll: float,
        note: Callable[[], str] = str,
        measure: str = "accuracy",
    ):
        # Nobody waits for a child of hours when the search is stopped.
        super().__init__(daemon=True, name="children")
        self.changed = threading.Event()
        self.current: Child | None = None
        self._make_trainer = make_trainer
        self._space = space
        self._seed = seed
        self._journal = journal
        self._claims = claims
        self._worker = worker
        self._poll = poll
        self._note = note
        self._measure = measure
        self._children: list[Child] = []
        self._taken: set[int] = set()
        self._more = threading.Event()
        self._ended = False
        # Whether a child was trained here, and unexpected failures since.
        self._was_well, self._in_a_row = False, 0
        self._error: BaseException | None = None

    def offer(self, children: list[Child]) -> None:
        """Replaces what there is to train, the first to be trained first."""
        self._children = list(children)
        self._more.set()

    def check(self) -> None:
        """Raises what the thread raised."""
        if self._error:
            raise self._error

    def end(self) -> None:
        """The child that is being trained is not recorded any more."""
        self._ended = True
        self._more.set()

    def run(self):
        try:
            trainer, judge = self._make_trainer()
            while not self._ended:
                child, attempt = self._next()
                if child is None:
                    self._more.wait(self._poll)
                    self._more.clear()
                    continue
                record, unexpected = self._train(trainer, judge, child, attempt)
                if self._ended:
                    return
                self._check_health(record, unexpected)
                self._journal.append(record)
                self.current = None
                self.changed.set()
        except BaseException as error:
            # The main thread raises it.
            self._error = error
            self.changed.set()

    def _next(self):
        for child in self._children:
            if child.number in self._taken:
                continue
            self._taken.add(child.number)
            if child.record(self._journal) is not None:
                continue
            # First: who stops here frees the claim of the current child.
            self.current = child
            attempt = self._claims.take(child.number, self._note())
            if attempt is not None:
                return child, attempt
            self.current = None
        return None, None

    def _train(self, trainer, judge, child, attempt):
        begun = time.monotonic()
        genotype = self._genotype(child)
        subject = child.decisions if genotype is None else genotype
        accuracy, curve, judged, unexpected = 0.0, [], {}, False
        try:
            result = self._result(trainer, subject, child)
            accuracy, curve = result.accuracy, result.curve
            failure, unexpected = result.failure, result.unexpected
            judged = judge(genotype, result.measured(self._measure))
            if not failure and not math.isfinite(judged["reward"]):
                failure = f"its reward is {judged['reward']}"
            cost = judged.get("cost")
            if not failure and cost is not None and not 0 < cost < math.inf:
                failure = f"its cost is {cost}"
                judged = {**judged, "cost": None}
        except InputError:
            # Not the child's fault: the next one would meet it too.
            raise
        except Exception as error:
            failure = f"{type(error).__name__}: {first_line(error)}"
            unexpected = True
        if failure:
            judged = {**judged, "reward": 0.0}
            accuracy = 0.0
        now = datetime.datetime.now(datetime.UTC)
        record = ChildRecord(
            child=child.child,
            repeat=child.repeat,
            round=child.round,
            decisions=child.decisions,
            genotype=genotype and genotype.to_dict(),
            accuracy=float(accuracy),
            curve=curve,
            seconds=round(time.monotonic() - begun, 3),
            worker=self._worker,
            attempt=attempt,
            failure=failure,
            finished=now.isoformat(timespec="seconds"),
            **judged,
        )
        return record, unexpected

    def _check_health(self, record, unexpected):
        """Ends a worker that could train and cannot any more.

        It would go through all children there are in no time.
        """
        self._in_a_row = self._in_a_row + 1 if unexpected else 0
        self._was_well |= not record.failure
        # Where none was ever trained, `Rounds` gives the search up as hopeless.
        if self._was_well and self._in_a_row >= _SICK:
            raise JobError(
                f"worker {self._worker} trained children before, and now "
                f"{self._in_a_row} in a row failed, the last with "
                f"{record.failure!r}; see to its machine, and the same command "
                "goes on"
            )

    def _result(self, trainer, subject, child):
        deaths = self._claims.deaths(child.number)
        if len(deaths) >= MOST_DEATHS:
            reason = f"{deaths[-1]}; {len(deaths)} attempts ended so"
            return ChildResult(0.0, None, [], 0.0, reason)
        seed = child_seed(self._seed, child.decisions, child.repeat)
        return trainer.train(subject, seed)

    def _genotype(self, child):
        # A benchmark table has decisions, and no cells.
        if not hasattr(self._space, "genotype"):
            return None
        return self._space.genotype(child.decisions)
