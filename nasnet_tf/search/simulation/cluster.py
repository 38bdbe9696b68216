"""A discrete-event simulation of the search loop.

What a cluster would do, from how long children take: how busy the workers
are, how long a search lasts, and how old the controller is that proposed what
an update learns from. The loop is the one that `nasnet_tf.search.run` runs:

* round r is proposed from the controller after the updates of the rounds up
  to r - rounds_in_flight, so that the result does not depend on timing;
* a free worker claims the next child of the earliest round in flight;
* when all children of the oldest round are done the controller is updated,
  while the workers go on with the rounds that are in flight.
"""

import dataclasses
import heapq
import statistics
from collections.abc import Sequence

import numpy as np

from nasnet_tf.checks.arguments import check_integer, check_number
from nasnet_tf.checks.errors import InputError

HOUR = 3600
# With so many failures and no child between them, no search ends.
_BARREN = 1000


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Workers and the loop that they run.

    Args:
        workers: that train children, one child at a time each.
        round_size: architectures that are proposed together.
        rounds_in_flight: rounds proposed and not yet learnt from, at most.
        update_seconds: from the last record of a round to the next proposal.
        claim_seconds: a worker takes between two children.
        start_seconds: until all workers are ready, at first and after a
            failure.
        failures_per_hour: of one worker. All are started again when one
            fails, and the children in training are lost.
        minibatch_size: architectures of one step of the controller.
        epochs: passes of an update over its round.
    """

    workers: int
    round_size: int = 20
    rounds_in_flight: int = 1
    update_seconds: float = 0.0
    claim_seconds: float = 0.0
    start_seconds: float = 0.0
    failures_per_hour: float = 0.0
    minibatch_size: int = 20
    epochs: int = 1

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int:
                check_integer(field.name, value)
            else:
                check_number(field.name, value, "[0, inf)")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the simulation says of a search.

    Args:
        seconds: until the last update.
        child_seconds: of training that was kept, of all workers together.
        utilisation: share of the workers' time that trained kept children.
        steady: the same until the last child is claimed, without the end, at
            which there is nothing left to do.
        staleness: updates between the controller that proposed a child and
            the one that learns from it, on average.
        staleness_steps: the same in minibatch steps of the controller, those
            within the child's own update included.
        failures: times that all workers were started again.
        lost: children that were lost in training and trained again.
    """

    seconds: float
    child_seconds: float
    utilisation: float
    steady: float
    staleness: float
    staleness_steps: float
    failures: int
    lost: int


def simulate(
    cluster: Cluster,
    child_seconds: Sequence[float] | np.ndarray,
    seed: int = 0,
) -> Prediction:
    """Simulates one search.

    Args:
        cluster: its workers and its loop.
        child_seconds: how long each child trains, in the order of proposal.
        seed: of the failures.

    Raises:
        InputError: there are no children, or their seconds are not positive.
    """
    seconds = np.asarray(child_seconds, "float64")
    if seconds.ndim != 1 or not len(seconds):
        raise InputError("child_seconds: empty; give the seconds of children")
    if not (np.isfinite(seconds) & (seconds > 0)).all():
        raise InputError(
            f"child_seconds: {seconds.min()} is among them; all must be more "
            "than 0 and finite"
        )
    return _Simulation(cluster, seconds.tolist(), seed).run()


def draw_child_seconds(
    measured: Sequence[float], samples: int, seed: int = 0
) -> np.ndarray:
    """Seconds of so many children, drawn from measured ones.

    Args:
        measured: seconds of some children.
        samples: how many to draw.
        seed: of the draws; the same for all clusters that are compared.

    Returns:
        `(samples,)`.
    """
    if not len(measured):
        raise InputError("child_seconds: none were measured; train a child")
    return np.random.default_rng(seed).choice(measured, samples)


def spread_child_seconds(
    mean: float, spread: float, count: int = 10_000
) -> np.ndarray:
    """Seconds of children where there are no measured ones: log-normal.

    Args:
        mean: seconds of a child.
        spread: standard deviation over mean.
        count: how many.

    Returns:
        `(count,)`, at the middles of equal shares of the distribution.
    """
    check_number("child_seconds", mean, "(0, inf)")
    check_number("spread", spread, "[0, 10]")
    sigma = np.sqrt(np.log1p(spread**2))
    normal = statistics.NormalDist()
    points = [normal.inv_cdf((i + 0.5) / count) for i in range(count)]
    return mean * np.exp(sigma * np.array(points) - sigma**2 / 2)


class _Simulation:
    """The state between two events."""

    def __init__(self, cluster, child_seconds, seed):
        self.cluster = cluster
        self.child_seconds = child_seconds
        self.generator = np.random.default_rng(seed)
        size = cluster.round_size
        total = len(child_seconds)
        self.starts = [*range(0, total, size), total]
        self.remaining = np.diff(self.starts).tolist()
        self.rounds = len(self.remaining)
        self.proposed = self.updated = 0
        # A heap: the children that a failure returns go before later ones.
        self.unclaimed, self.running = [], {}
        # When the last child was claimed, and the seconds then left to train.
        self.filled = (0.0, 0.0)
        self.idle = 0
        self.updating = False
        self.events, self.order = [], 0
        # Events of before a failure have another attempt and do not count.
        self.attempt = 0
        self.failures = self.lost = 0
        # Failures since a child was last finished.
        self.barren = 0
        self.stale = 0

    def run(self):
        self._start(0.0)
        self._propose()
        now = 0.0
        while self.updated < self.rounds:
            now, _, attempt, happen, child = heapq.heappop(self.events)
            if attempt == self.attempt:
                happen(now, child)
        kept = sum(self.child_seconds)
        return Prediction(
            seconds=now,
            child_seconds=kept,
            utilisation=kept / (now * self.cluster.workers),
            steady=self._steady(kept),
            staleness=self.stale / len(self.child_seconds),
            staleness_steps=self._staleness_steps(),
            failures=self.failures,
            lost=self.lost,
        )

    def _after(self, now, seconds, happen, child=None):
        self.order += 1
        # The order decides at equal times: functions cannot be compared.
        event = (now + seconds, self.order, self.attempt, happen, child)
        heapq.heappush(self.events, event)

    def _start(self, now):
        cluster = self.cluster
        self._after(now, cluster.start_seconds, self._ready)
        rate = cluster.failures_per_hour * cluster.workers / HOUR
        if rate:
            ready = cluster.start_seconds
            wait = ready + self.generator.exponential(1 / rate)
            self._after(now, wait, self._failed)

    def _ready(self, now, _):
        self.idle = self.cluster.workers
        self._claim(now)
        self._update(now)

    def _propose(self):
        limit = self.cluster.rounds_in_flight
        while self.proposed < min(self.rounds, self.updated + limit):
            children = range(*self.starts[self.proposed : self.proposed + 2])
            for child in children:
                heapq.heappush(self.unclaimed, child)
            # Updates that will come between this proposal and its use.
            self.stale += (self.proposed - self.updated) * len(children)
            self.proposed += 1

    def _claim(self, now):
        while self.idle and self.unclaimed:
            child = heapq.heappop(self.unclaimed)
            self.idle -= 1
            seconds = self.cluster.claim_seconds + self.child_seconds[child]
            self.running[child] = now + seconds
            self._after(now, seconds, self._finished, child)
            if not self.unclaimed and self.proposed == self.rounds:
                left = sum(end - now for end in self.running.values())
                self.filled = (now, left)

    def _finished(self, now, child):
        del self.running[child]
        self.remaining[child // self.cluster.round_size] -= 1
        self.barren = 0
        self.idle += 1
        self._claim(now)
        self._update(now)

    def _update(self, now):
        if self.updating or self.updated == self.proposed:
            return
        if self.remaining[self.updated] == 0:
            self.updating = True
            self._after(now, self.cluster.update_seconds, self._learnt)

    def _learnt(self, now, _):
        self.updating = False
        self.updated += 1
        self._propose()
        self._claim(now)
        self._update(now)

    def _failed(self, now, _):
        self.failures += 1
        self.barren += 1
        if self.barren > _BARREN:
            raise InputError(
                f"failures_per_hour: {self.cluster.failures_per_hour:g} of "
                f"{self.cluster.workers} workers ended all that was trained "
                f"{_BARREN:,} times in a row; give fewer, or shorter children"
            )
        self.lost += len(self.running)
        for child in self.running:
            heapq.heappush(self.unclaimed, child)
        self.running.clear()
        self.idle, self.updating = 0, False
        self.attempt += 1
        self._start(now)

    def _steady(self, kept):
        now, left = self.filled
        capacity = now * self.cluster.workers
        return (kept - left) / capacity if capacity else 1.0

    def _staleness_steps(self):
        size = self.cluster.round_size
        steps = -(-size // self.cluster.minibatch_size) * self.cluster.epochs
        rounds = self.stale / len(self.child_seconds)
        # Over the minibatches of its own update, 0 .. steps - 1 came before.
        return rounds * steps + (steps - 1) / 2
