"""The rounds that are proposed and not yet learned from."""

import numpy as np

from nasnet_tf.search.journal.records import Journal
from nasnet_tf.search.workers.child_thread import Child


class InFlight:
    """The rounds in flight, and which child each of their samples is.

    Args:
        journal: of the search; its children keep their numbers.
        round_size: samples of a round.
    """

    def __init__(self, journal: Journal, round_size: int):
        self._journal = journal
        self._round_size = round_size
        self._rounds: dict[int, list[tuple[int, ...]]] = {}
        self._numbers = {
            record.decisions: record.child for record in journal.records()
        }

    def __len__(self) -> int:
        return len(self._rounds)

    def add(self, number: int, proposals) -> None:
        """Takes a round; architectures that are new get a number.

        Args:
            number: of the round.
            proposals: `(round_size, decisions)`.
        """
        # Integers of Python, which JSON takes; NumPy's it does not.
        decisions = [tuple(row) for row in np.asarray(proposals).tolist()]
        self._rounds[number] = decisions
        first = number * self._round_size
        for sample, architecture in enumerate(decisions, first):
            self._numbers.setdefault(architecture, sample)

    def remove_oldest(self) -> list[tuple[int, ...]]:
        """The decisions of the oldest round, which is in flight no more."""
        return self._rounds.pop(min(self._rounds))

    def array(self) -> np.ndarray:
        """All decisions, `(rounds, round_size, decisions)`, oldest first."""
        return np.array(
            [self._rounds[number] for number in sorted(self._rounds)], "int32"
        )

    def is_done(self) -> bool:
        """Whether the journal has all of the oldest round."""
        oldest = self._rounds[min(self._rounds)]
        return all(self._journal.get(a) is not None for a in oldest)

    def rewarded(self, before: int) -> int:
        """How many samples of rounds before this one the journal has."""
        return sum(
            self._journal.get(architecture) is not None
            for number, decisions in self._rounds.items()
            if number < before
            for architecture in decisions
        )

    def children(self, before: int) -> list[Child]:
        """What is to be trained, the oldest round first.

        Args:
            before: rounds from this one on count only if the search is
                prolonged.
        """
        children: dict[int, Child] = {}
        for number, decisions in sorted(self._rounds.items()):
            for architecture in decisions if number < before else ():
                if self._journal.get(architecture) is None:
                    child = self._numbers[architecture]
                    children.setdefault(
                        child, Child(child, number, architecture)
                    )
        return list(children.values())
