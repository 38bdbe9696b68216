"""The race: the best children of a search are trained again with new seeds.

One training says little of a cell where seeds differ as much as cells do. After
its samples a search may spend some trainings on those that could be the best,
until one is told apart.
"""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from nasnet_tf.search.journal.beliefs import Belief
from nasnet_tf.search.journal.front import pareto_front
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.workers.child_thread import Child

# A race has about so many rounds, and a round so many trainings at least: what
# one brings says whom the next trains, and workers wait at its end.
_ROUNDS, _LEAST = 10, 4
# What is not known before there are repeats: of what rewards differ by from
# what is expected of them, half is taken to be noise, and half to be the
# cells'; this counts as so many degrees of freedom.
_NOISE_SHARE, _GUESSED = 0.5, 4.0
# The variance of what is the cells' own is so many times the noise's at least.
_LEAST_OWN = 0.05
# And the residuals' is guessed to be so many times that of the best rewards.
_LEAST_GUESS = 0.25
# Repeats beyond the first of a child, before one can be told apart.
_ENOUGH = 4
# That all racers fall is believed when so many have been trained again.
_BEFORE_FALL = 3.0
# Standard deviations of the upper bounds whose highest races against the
# leader.
_BOUND = 2.0
# Of all others together, that one is better than who is told apart.
_DOUBT = 0.025
# Whose residuals are looked at: the best one in so many, and no fewer.
_FRONT, _FEWEST = 4, 10


@dataclasses.dataclass(frozen=True)
class _Estimate:
    mean: np.ndarray
    variance: np.ndarray
    noise: float


class Race:
    """Chooses who is trained again, and believes what comes of it.

    A child's reward is what the strategy expects of it, plus what is its own,
    plus noise. The variance of the noise is that of the repeats of one child;
    what is left of the residuals is the cells' own. A child that is not among
    the racers falls by as much as these do on average: what a search finds best
    was lucky, too. Normal distributions throughout (empirical Bayes).

    Each round trains the leader or the child with the highest upper bound
    beside it, whichever is known less (as LUCB, Kalyanakrishnan et al. 2012);
    where a front is sought, what is known least of those on it.
    All that it does is a function of its arguments and of the rewards, so that
    a resumed search goes through the same rounds again.

    Args:
        records: of the search; failures do not race.
        beliefs: of the strategy, by child; empty where it has none.
        trainings: how many there may be.
        most: of a round.
        front: whether what is looked for is the best at each cost.
    """

    def __init__(
        self,
        records: Sequence[ChildRecord],
        beliefs: Mapping[int, Belief],
        trainings: int,
        most: int,
        front: bool = False,
    ):
        self._records = [
            record
            for record in records
            if not record.failure and (not beliefs or record.child in beliefs)
        ]
        self._rewards = np.array([r.reward for r in self._records])
        self._costs = np.array([r.cost for r in self._records], "float64")
        self._gained: list[list[float]] = [[] for _ in self._records]
        self._counts = np.zeros(len(self._records), int)
        self._again = np.zeros(len(self._records))
        # Squared deviations of repeats from their means, and how many.
        self._squares, self._freedom = 0.0, 0
        self._out = np.zeros(len(self._records), bool)
        self._trainings = trainings
        self._seeks_front = front
        self._done = 0
        size = max(_LEAST, math.ceil(trainings / _ROUNDS))
        self._size = min(most, size)
        self._expected, self._uncertain, self._looked_at = self._prior(beliefs)

    def _prior(self, beliefs):
        """Means, variances, and whose residuals are looked at."""
        if not beliefs:
            # No cell is like another: all are as good as the mean of all.
            mean = np.full_like(self._rewards, self._rewards.mean())
            return mean, np.zeros_like(mean), slice(None)
        of_record = [beliefs[record.child] for record in self._records]
        mean = np.array([belief.expected for belief in of_record])
        variance = np.array([belief.uncertainty**2 for belief in of_record])
        # The rewards of bad cells have another noise.
        count = max(_FEWEST, len(mean) // _FRONT)
        return mean, variance, np.argsort(-mean, kind="stable")[:count]

    @property
    def done(self) -> int:
        """Trainings whose reward is learned."""
        return self._done

    @property
    def noise(self) -> float:
        """The standard deviation of a reward with the seed."""
        return self._estimate().noise ** 0.5

    @property
    def racers(self) -> int:
        """Children that were trained again."""
        return int((self._counts > 0).sum())

    def beliefs(self) -> dict[int, Belief]:
        """What is believed now of all children that may be recommended."""
        found = self._estimate()
        return {
            record.child: Belief(
                float(found.mean[place]), float(found.variance[place]) ** 0.5
            )
            for place, record in enumerate(self._records)
            if not self._out[place]
        }

    def told_apart(self) -> bool:
        """Whether one child is better than all others, with little doubt."""
        if self._freedom < _ENOUGH or self._seeks_front:
            return False
        found = self._estimate()
        mean = np.where(self._out, -np.inf, found.mean)
        leader = int(mean.argmax())
        doubt = np.sqrt(found.variance + found.variance[leader])
        # Each of the others may be the one that is better (Bonferroni).
        others = max(1, len(mean) - 1)
        reach = statistics.NormalDist().inv_cdf(1 - _DOUBT / others)
        apart = mean[leader] - mean >= reach * doubt
        apart[leader] = True
        return bool(apart.all())

    def propose(self) -> list[Child]:
        """The next trainings; none where the race is over."""
        count = min(self._size, self._trainings - self._done)
        left = np.flatnonzero(~self._out)
        if count <= 0 or len(left) < 2 or self.told_apart():
            return []
        found = self._estimate()
        precision = 1 / found.variance
        # Those that failed are out.
        repeats = self._counts.copy()
        children = []
        for _ in range(count):
            chosen = self._choice(found.mean, precision, left)
            # As if it had come out as expected.
            precision[chosen] += 1 / found.noise
            repeats[chosen] += 1
            record = self._records[chosen]
            children.append(
                Child(
                    record.child,
                    record.round,
                    record.decisions,
                    int(repeats[chosen]),
                )
            )
        return children

    def _choice(self, mean, precision, left):
        """The place of the child to train next."""
        bounds = mean + _BOUND / np.sqrt(precision)
        if self._seeks_front:
            # Those on it, and those that could be.
            could = {
                int(left[place])
                for values in (mean, bounds)
                for place in pareto_front(self._costs[left], values[left])
            }
            return min(could, key=lambda place: (precision[place], place))
        leader = left[mean[left].argmax()]
        others = left[left != leader]
        challenger = others[bounds[others].argmax()]
        less_known = precision[leader] < precision[challenger]
        return int(leader if less_known else challenger)

    def learn(self, records: Sequence[ChildRecord]) -> None:
        """Learns what came of the trainings that were proposed last.

        A child that could not be trained again is out of the race.
        """
        places = {r.child: place for place, r in enumerate(self._records)}
        for record in records:
            place = places[record.child]
            if record.failure:
                self._out[place] = True
            else:
                self._gained[place].append(record.reward)
        self._done += len(records)
        several = [np.array(gained) for gained in self._gained if gained]
        self._counts = np.array([len(gained) for gained in self._gained])
        self._again[self._counts > 0] = [gained.mean() for gained in several]
        self._squares = sum(float(g.var()) * len(g) for g in several)
        self._freedom = sum(len(g) - 1 for g in several)

    def _estimate(self) -> _Estimate:
        residuals = self._rewards - self._expected
        noise, own = self._variances(residuals)
        own = self._uncertain + own
        # After the search alone.
        trust = own / (own + noise)
        mean = self._expected + trust * residuals
        variance = own * (1 - trust)
        falls = (self._again - mean)[self._counts > 0]
        mean = mean + falls.sum() / (len(falls) + _BEFORE_FALL)
        # And with the race.
        precision = 1 / variance + self._counts / noise
        mean = mean / variance + self._counts * self._again / noise
        return _Estimate(mean / precision, 1 / precision, noise)

    def _variances(self, residuals):
        """Of the noise, and of what is the cells' own."""
        # A strategy may be surer than it should be, of few rewards above all:
        # then the rewards themselves say what there is to tell apart.
        guess = max(
            float((residuals[self._looked_at] ** 2).mean()),
            _LEAST_GUESS * float(self._rewards[self._looked_at].var()),
            # Of a table without noise.
            1e-12,
        )
        noise = _pooled(_NOISE_SHARE * guess, self._squares, self._freedom)
        raced = self._counts > 0
        squares, freedom = 0.0, max(int(raced.sum()) - 1, 0)
        if freedom:
            differences = (self._again - self._expected)[raced]
            squares = float(differences.var()) * len(differences)
            # In them are also the noise of their means, and what the strategy
            # itself is not sure of.
            known = noise / self._counts[raced] + self._uncertain[raced]
            squares -= float(known.mean()) * freedom
        own = _pooled((1 - _NOISE_SHARE) * guess, squares, freedom)
        return noise, max(own, _LEAST_OWN * noise)


def _pooled(guess, squares, freedom):
    return (_GUESSED * guess + squares) / (_GUESSED + freedom)
