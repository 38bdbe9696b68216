"""The rounds of a search and its race, on one of its workers."""

import pathlib
import threading
from collections.abc import Callable

import numpy as np

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.beliefs import (
    Belief,
    recommended,
    write_beliefs,
)
from nasnet_tf.search.journal.claims import MOST_DEATHS
from nasnet_tf.search.journal.records import (
    ChildRecord,
    training_name,
)
from nasnet_tf.search.journal.state import (
    SearchState,
    restore_state,
    save_state,
)
from nasnet_tf.search.progress import SearchLog
from nasnet_tf.search.race import Race
from nasnet_tf.search.workers.child_training import ChildTraining
from nasnet_tf.search.workers.cluster import check_agreed
from nasnet_tf.search.workers.in_flight import InFlight
from nasnet_tf.training.strategy import worker_count

# So many failures and no success are no bad luck.
_HOPELESS = 10
_WHY_DIFFERENT = (
    "a file system that is slow to share what is written, or processors of "
    "several kinds, can be the cause"
)


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
        best: the record that the race or the strategy expects most of, or
            else that of the highest reward so far; None where there is none.

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
        self._front = config.objective.front
        self._total = config.budget.samples // config.budget.round_size
        self._training = ChildTraining(
            config, model_dir, space, make_trainer, worker
        )
        self.journal = self._training.journal
        self._in_flight = InFlight(self.journal, self._budget.round_size)
        self.best: ChildRecord | None = None
        self._highest = 0.0
        self._beliefs: dict[int, Belief] = {}
        self._children: list[int] = []
        self._done = 0
        self._raced = not config.budget.race
        self._told: tuple[int, int] | None = None
        self._progress: tuple[int, int, ChildRecord | None] = (0, 0, None)
        self._restore()
        # Nobody claims before the first one has swept.
        check_agreed(
            f"{self._done} {strategy.digest()}".encode(),
            "the checkpoint that they found",
            "give all of them one shared model_dir",
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
        self._training.end()
        self._log.close()

    def training(self) -> int | None:
        """The training that this worker is at; from any thread."""
        return self._training.current()

    @property
    def samples(self) -> int:
        """Of the rounds that are done."""
        return self._done * self._budget.round_size

    @property
    def complete(self) -> bool:
        """Whether all rounds are done, and the race."""
        return self._searched and self._raced

    @property
    def _searched(self):
        return self._done >= self._total

    def run(self, stop: threading.Event) -> None:
        """Goes on to the end of the race, or to where `stop` is set.

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
        self._training.offer(self._in_flight.children(self._total))
        while not self._searched:
            done = self._in_flight.is_done
            if not self._training.wait(done, self._tell, stop):
                return
            self._update()
        if not self._raced:
            self._race(stop)

    def _race(self, stop):
        """Trains those again that may be the best; see `Race`."""
        budget, journal = self._budget, self.journal
        race = Race(
            self._children_done(),
            self._beliefs,
            budget.race,
            budget.round_size,
            self._front,
        )
        while children := race.propose():

            def finished(children=children):
                return all(child.record(journal) for child in children)

            def tell(children=children):
                done = sum(bool(child.record(journal)) for child in children)
                self._log.racing(race.done + done, budget.race)

            self._training.offer(children)
            if not self._training.wait(finished, tell, stop):
                return
            records = [child.record(journal) for child in children]
            race.learn([record for record in records if record])
        # None where all that there are failed when they were trained again.
        self._beliefs = race.beliefs() or self._beliefs
        check_agreed(
            repr(self._beliefs).encode(),
            "what they learned from the race",
            _WHY_DIFFERENT,
        )
        (self.best,) = recommended(journal.records(), self._beliefs, 1)
        if self._chief:
            write_beliefs(self._model_dir, self._beliefs)
        self._log.raced(race, self.best, self._beliefs.get(self.best.child))
        self._raced = True

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
        gained = [np.array(decisions, "int32"), rewards]
        if self._front:
            # Of a child that failed it is not known.
            gained.append(self._costs(records))
        numbers = self.strategy.learn(*gained)
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
            _WHY_DIFFERENT,
        )
        self._check_hope()
        self._training.offer(self._in_flight.children(self._total))
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
            write_beliefs(self._model_dir, self._beliefs)
            # Last: a line of the log that is one too many is dropped by a
            # resumed run, one that is missing stays so.
            self._save()

    def _costs(self, records):
        trained = [record for record in records if not record.failure]
        if trained and all(record.cost is None for record in trained):
            raise InputError(
                "objective.front: True, and no child has a cost; let what "
                "judges give one, or set objective.front=false"
            )
        return np.array([record.cost for record in records], "float64")

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
        records = [r for r in self._children_done() if not r.failure]
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

    def _children_done(self):
        """The records of the rounds that are done."""
        done = set(self._children)
        return [r for r in self.journal.records() if r.child in done]

    def _check_hope(self):
        records = self.journal.records()
        enough = self._searched or len(records) >= _HOPELESS
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
        for child, reason in self._training.blamed.items():
            self._log.message(
                f"{training_name(child)} was under way when this ended: "
                f"{reason}; one that this happens to {MOST_DEATHS} times "
                "counts as failed"
            )


def _floats(numbers):
    return {name: float(value) for name, value in numbers.items()}
