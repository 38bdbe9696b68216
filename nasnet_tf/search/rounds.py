"""The rounds of a search, on one of its workers."""

import contextlib
import pathlib
import threading
from collections.abc import Callable

import numpy as np

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.beliefs import (
    Belief,
    recommended,
    write_beliefs,
)
from nasnet_tf.search.journal.claims import MOST_DEATHS, Claims
from nasnet_tf.search.journal.records import ChildRecord, Journal
from nasnet_tf.search.journal.state import (
    SearchState,
    restore_state,
    save_state,
)
from nasnet_tf.search.progress import SearchLog
from nasnet_tf.search.workers.child_thread import ChildThread
from nasnet_tf.search.workers.cluster import check_agreed
from nasnet_tf.search.workers.deadlines import ChildWatch
from nasnet_tf.search.workers.deaths import blame_left_children, life_note
from nasnet_tf.search.workers.in_flight import InFlight
from nasnet_tf.search.workers.supervision import is_supervised
from nasnet_tf.training.strategy import worker_count

# Seconds between looks into the journals: of one worker, and of each more, so
# that hundreds do not keep a file server busy.
_POLL, _POLL_PER_WORKER = 0.05, 0.01
# So many failures and no success are no bad luck.
_HOPELESS = 10


class Rounds:
    """Proposes rounds, has their children trained, and learns from them.

    Round r is proposed when the strategy has learned from all rounds up to r -
    `rounds_in_flight`, so that what it proposes does not depend on how fast
    the workers are. To be made in the scope of the controller's strategy by
    all workers alike.

    Args:
        config: of the search.
        model_dir: of the search.
        space: of the architectures.
        strategy: a new `Strategy`, which is restored.
        make_trainer: see `ChildThread`.
        worker: the number of this one.
        quiet: print nothing.

    Attributes:
        journal: of all workers.
        strategy: as it is now.
        best: the record that the strategy expects most of, or else that of
            the highest reward so far; None where there is none.

    Raises:
        InputError: the folder cannot be written, or lacks what its checkpoint
            builds on.
        JobError: the workers see different checkpoints.
    """

    def __init__(
        self,
        config: SearchConfig,
        model_dir,
        space,
        strategy,
        make_trainer: Callable,
        worker: int = 0,
        quiet: bool = False,
    ):
        self.strategy = strategy
        self._space = space
        self._budget = config.budget
        self._model_dir = pathlib.Path(model_dir)
        self._chief = worker == 0
        self._total = config.budget.samples // config.budget.round_size
        self.journal = Journal(model_dir, worker)
        self._claims = Claims(model_dir, worker)
        self._in_flight = InFlight(self.journal, self._budget.round_size)
        self._worker, self._runtime = worker, config.runtime
        self._supervised = is_supervised()
        # A worker of a cluster may die of the end of another.
        self._alone = worker_count() == 1 and not self._supervised
        self._blamed = self._free_claims() if self._chief else {}
        self._watch = ChildWatch(self.journal.records)
        self.best: ChildRecord | None = None
        self._highest = 0.0
        self._beliefs: dict[int, Belief] = {}
        self._children: list[int] = []
        self._done = 0
        self._told: tuple[int, int] | None = None
        self._progress: tuple[int, int, ChildRecord | None] = (0, 0, None)
        self._restore()
        # Nobody claims before the first one has swept.
        check_agreed(
            f"{self._done} {strategy.digest()}".encode(),
            "the checkpoint that they found",
            "give all of them one shared model_dir",
        )
        self._poll = _POLL + _POLL_PER_WORKER * worker_count()
        self._thread = ChildThread(
            make_trainer,
            space,
            config.runtime.seed,
            self.journal,
            self._claims,
            worker,
            self._poll,
            life_note if self._alone else str,
            config.objective.measure,
        )
        self._log = SearchLog(
            model_dir,
            config.budget.samples,
            config.budget.round_size,
            self._done,
            config.runtime.tensorboard,
            quiet,
            self._chief,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._thread.end()
        child = self._thread.current
        if self._alone and child is not None:
            # A claim that is left says that its process was killed.
            with contextlib.suppress(InputError):
                self._claims.release(child.number)
        self._log.close()

    def training(self) -> int | None:
        """The child that this worker trains now; from any thread."""
        child = self._thread.current
        return None if child is None else child.number

    @property
    def samples(self) -> int:
        """Of the rounds that are done."""
        return self._done * self._budget.round_size

    @property
    def complete(self) -> bool:
        """Whether all rounds are done."""
        return self._done >= self._total

    def run(self, stop: threading.Event) -> None:
        """Goes on to the last round, or to where `stop` is set.

        Raises:
            InputError: a file cannot be written, what trains cannot start, or
                no child can be trained.
            JobError: the workers differ, or a child takes too long.
        """
        self._announce()
        # None where the search goes on: its checkpoint holds what was proposed.
        while len(self._in_flight) < self._budget.rounds_in_flight:
            self._propose()
        if self.complete:
            return
        self._thread.offer(self._in_flight.children(self._total))
        self._thread.start()
        while not self.complete and self._finished(stop):
            self._update()

    def _restore(self):
        state = restore_state(self._model_dir)
        if state is None:
            return
        if state.rounds > self._total:
            raise InputError(
                f"budget.samples: {self._budget.samples} is below the "
                f"{state.rounds * self._budget.round_size} that are done; "
                "give no fewer"
            )
        self.strategy.restore(state.strategy)
        self._done = state.rounds
        self._children = state.children.tolist()
        known = {record.child: record for record in self.journal.records()}
        if lost := set(self._children) - set(known):
            raise InputError(
                f"model_dir: the journal in {self._model_dir} lacks child "
                f"{min(lost)}, which the checkpoint builds on; put journal/ "
                "back, or remove controller/ to train what is missing"
            )
        self._recommend()
        for number, proposals in enumerate(state.proposals, self._done):
            self._in_flight.add(number, proposals)

    def _propose(self):
        number = self._done + len(self._in_flight)
        proposals = self.strategy.propose(self._budget.round_size)
        self._in_flight.add(number, proposals)

    def _finished(self, stop):
        """Waits for all children of the oldest round; False where stopped."""
        while True:
            self._thread.check()
            self.journal.refresh()
            self._tell()
            if self._in_flight.is_done():
                return True
            if stop.is_set():
                return False
            self._check_time()
            # What other workers finish sets no event here, so it is looked for.
            self._thread.changed.wait(self._poll)
            self._thread.changed.clear()

    def _check_time(self):
        """Ends a process whose child takes too long; its thread cannot be."""
        child = self._thread.current
        # Its supervisor does it, and sees what hangs with all its threads.
        if self._supervised:
            return
        number = None if child is None else child.number
        overdue = self._watch.overdue(
            {self._worker: number}, self._runtime.child_timeout
        )
        if child is None or not overdue:
            return
        reason = overdue[self._worker]
        self._claims.note_death(child.number, reason)
        raise JobError(
            f"child {child.number} {reason}; the same command goes on, and "
            f"after {MOST_DEATHS} such attempts without it (runtime."
            "child_timeout gives more time)"
        )

    def _free_claims(self):
        """Frees what an earlier run claimed; whom it has to blame, and why."""
        finished = {record.child for record in self.journal.records()}
        blamed = (
            blame_left_children(self._claims, finished) if self._alone else {}
        )
        self._claims.sweep(finished)
        return blamed

    def _tell(self):
        # Many times a second, and a search may have 20,000 children.
        known = (len(self.journal), self._done)
        if known != self._told:
            self._told = known
            best = recommended(self.journal.records(), {}, 1)
            samples = self.samples + self._in_flight.rewarded(self._total)
            self._progress = (samples, known[0], best[0] if best else None)
        self._log.progress(*self._progress)

    def _update(self):
        """Learns from the oldest round, and proposes the next."""
        number = self._done
        decisions = self._in_flight.remove_oldest()
        records = [self.journal[architecture] for architecture in decisions]
        rewards = np.array([record.reward for record in records], "float64")
        numbers = self.strategy.learn(np.array(decisions, "int32"), rewards)
        self._done += 1
        self._children += [record.child for record in records]
        self._recommend()
        # After the last round too: the search may be prolonged, and then goes
        # on as if it had always been longer.
        self._propose()
        digest = self.strategy.digest()
        check_agreed(
            digest.encode() + rewards.tobytes() + np.array(decisions).tobytes(),
            f"what they learned from round {number}",
            "a file system that is slow to share what is written, or "
            "processors of several kinds, can be the cause",
        )
        self._check_hope()
        self._thread.offer(self._in_flight.children(self._total))
        probabilities = None
        if self._log.keeps_probabilities(number):
            probabilities = self.strategy.probabilities()
        # A repeat has the record of the round that proposed it first.
        trained = {r.child: r for r in records if r.round == number}
        self._log.round(
            {
                "round": number,
                "samples": self.samples,
                "best": self._highest,
                "mean": float(rewards.mean()),
                **_floats(numbers),
                "trained": len(trained),
                "failures": sum(bool(r.failure) for r in trained.values()),
                "children": [record.child for record in records],
                "digest": digest,
            },
            self.best,
            probabilities,
        )
        if self._chief:
            if self._beliefs:
                write_beliefs(self._model_dir, self._beliefs)
            # Last: a line of the log that is one too many is dropped by a
            # resumed run, one that is missing stays so.
            self._save()

    def _save(self):
        save_state(
            self._model_dir,
            SearchState(
                rounds=self._done,
                proposals=self._in_flight.array(),
                children=np.array(self._children, "int32"),
                strategy=self.strategy.state(),
            ),
        )

    def _recommend(self):
        """Finds the best child of the rounds that are done."""
        done = set(self._children)
        records = [
            record
            for record in self.journal.records()
            if record.child in done and not record.failure
        ]
        if not records:
            return
        self._highest = max(record.reward for record in records)
        decisions = np.array([record.decisions for record in records], "int32")
        expected = self.strategy.expected(decisions)
        if expected is not None:
            uncertainty = self.strategy.uncertainty(decisions)
            self._beliefs = {
                record.child: Belief(float(mean), float(deviation))
                for record, mean, deviation in zip(
                    records, expected, uncertainty, strict=True
                )
            }
        (self.best,) = recommended(records, self._beliefs, 1)

    def _check_hope(self):
        records = self.journal.records()
        enough = self.complete or len(records) >= _HOPELESS
        if not enough or not all(record.failure for record in records):
            return
        # As bad input is: another attempt would meet the same.
        raise InputError(
            f"all {len(records)} children so far failed, the first with "
            f"{records[0].failure!r}; mend the cause and take another model_dir"
        )

    def _announce(self):
        self._log.message(
            f"{self._budget.samples:,} samples in rounds of "
            f"{self._budget.round_size} from 10^{self._space.log10_size:.1f} "
            f"architectures, on {worker_count()} worker(s)"
        )
        records = self.journal.records()
        if self._done or records:
            self._log.message(
                f"going on: {self._done} of {self._total} rounds and "
                f"{len(records)} children are done"
            )
        for child, reason in self._blamed.items():
            self._log.message(
                f"child {child} was under way when this ended: {reason}; one "
                f"that this happens to {MOST_DEATHS} times counts as failed"
            )


def _floats(numbers):
    return {name: float(value) for name, value in numbers.items()}
