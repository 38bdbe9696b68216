"""Bayesian optimisation: a Gaussian process says what to try next.

As BANANAS (White et al. 2021, arXiv:1910.11858) and NAS-BOWL (Ru et al. 2021)
do, with a model that needs no training of its own.
"""

import numpy as np

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.front import pareto_front
from nasnet_tf.search.strategies.base import Strategy
from nasnet_tf.search.strategies.surrogate.acquisition import (
    FrontGain,
    UpperBound,
)
from nasnet_tf.search.strategies.surrogate.candidates import candidates
from nasnet_tf.search.strategies.surrogate.gaussian_process import (
    PRIOR_MEAN,
    GaussianProcess,
    Scale,
    fitted_parameters,
)
from nasnet_tf.search.strategies.surrogate.settings import SurrogateSettings

# The parameters are fitted again when there are so many times the rewards.
_GROWTH = 1.15
# Of so many rewards: a fit takes time with the cube of their number.
_FITTED = 500
# The newest so many rewards are the model's.
_MODELLED = 2_000
# Candidates of the highest bounds that a batch is chosen from.
_POOL = 200
# Whose mutations are looked at first.
_PARENTS = 30
# Whose options are told as probable.
_BEST = 20


class Surrogate(Strategy):
    """Proposes what a model of the rewards holds to be best, or unknown.

    The model is a `GaussianProcess` on `space.encode`, in which equal cells
    are equal. The first proposals are those to start with and random ones.
    Later each call takes the highest upper confidence bounds, one after the
    other as if those before had come out as expected (GP-BUCB, Desautels et
    al. 2014), which keeps the many of a round apart; what is not learned yet
    counts among those before. What was proposed is left out, written in another
    way too; random proposals alone may repeat it.

    With costs a second model is of their logarithms, and three of four are what
    would make the front of reward against cost larger; see `FrontGain`.

    `expected` is the posterior mean: with noisy rewards the best guess of what
    an architecture is worth, where the highest reward was lucky.

    Args:
        space: what is searched.
        seed: of all that is random.
        settings: None: the defaults.

    Raises:
        InputError: a cell to start with is not in the space.
    """

    pursues_front = True

    def __init__(self, space, seed=0, settings=None):
        settings = settings or SurrogateSettings()
        # Raises where nothing can be changed, before anything is trained.
        _ = space.changeable
        self._start = _decisions(space, settings.start or ())
        super().__init__(space, seed, settings)

    def restart(self, seed: int) -> None:
        super().restart(seed)
        self._proposed = 0
        self._pending = np.zeros((0, len(self.space)), "int32")
        self._tried = np.zeros((0, len(self.space)), "int32")
        self._rewards, self._costs = np.zeros(0), np.zeros(0)
        self._parameters = self._cost_parameters = PRIOR_MEAN
        self._fitted = 0
        self._model: tuple[GaussianProcess, Scale] | None = None
        self._cost_model: GaussianProcess | None = None

    def propose(self, count: int) -> np.ndarray:
        check_integer("count", count)
        # By the count, so that a resumed search draws what it would have drawn.
        generator = np.random.default_rng((self.seed, self._proposed))
        first = self._first(generator, count)
        rest = count - len(first)
        rows = np.concatenate((self._tried, self._pending, first))
        known = set(self.space.normal_forms(rows))
        share = generator.random(rest) < self.settings.random_share
        chosen = self._chosen(generator, rest - int(share.sum()), known)
        random = self.space.sample(generator, rest - len(chosen))
        proposals = np.concatenate((first, chosen, random))
        self._proposed += count
        self._pending = np.concatenate((self._pending, proposals))
        return proposals

    def _first(self, generator, count):
        """What is proposed before the model: cells to start with, random."""
        start = self._start[self._proposed : self._proposed + count]
        end = len(self._start) + self.settings.random_first
        # A model of one reward, or of none, says nothing.
        if len(self._rewards) < 2:
            end = self._proposed + count
        left = max(0, min(count, end - self._proposed) - len(start))
        return np.concatenate((start, self.space.sample(generator, left)))

    def _chosen(self, generator, count, known):
        """The next by upper confidence bound; fewer where there are fewer."""
        if not count:
            return self._tried[:0]
        model, _ = self._fit()
        acquisitions = self._acquisitions(model)

        def bound(decisions):
            features = self.space.encode(decisions)
            mean, deviation = model.marginals(features)
            costs = self._cost_of(features)
            return acquisitions[-1].value(mean, deviation, costs)

        parents = self._best(_PARENTS)
        if self._cost_model:
            parents = np.concatenate((self._front(), parents))
        found = candidates(self.space, generator, parents, bound, known)
        if len(found) > _POOL:
            order = np.argsort(-bound(found), kind="stable")
            found = found[order[:_POOL]]
        return self._apart(model, acquisitions, found, min(count, len(found)))

    def _acquisitions(self, model):
        """By what a batch is chosen, in turn."""
        bound = UpperBound(self.settings.exploration)
        if not self._cost_model:
            return [bound]
        features = self.space.encode(self._tried)
        # Cells below the mean are not worth being on it, however cheap.
        gain = FrontGain(
            self.settings.exploration,
            model.mean(features),
            self._cost_of(features),
            reward=0.0,
        )
        # A front alone gains least where it is best and dearest.
        return [bound, gain, gain, gain]

    def _cost_of(self, features):
        """Expected logarithms of costs, of mean 0 and variance 1."""
        if not self._cost_model:
            return np.zeros(len(features))
        return self._cost_model.mean(features)

    def _front(self):
        """Those of the tried ones that nothing cheaper is as good as."""
        features = self.space.encode(self._tried)
        model, _ = self._fit()
        front = pareto_front(self._cost_of(features), model.mean(features))
        return self._tried[front]

    def _apart(self, model, acquisitions, found, count):
        """The most promising, each as if those before had been learned."""
        # First: what is on its way counts as learned.
        waiting = len(self._pending)
        rows = np.concatenate((self._pending, found))
        features = self.space.encode(rows)
        mean, covariance = model.joint(features)
        costs = self._cost_of(features)
        order = list(range(waiting))
        for number in range(waiting + count):
            if number >= waiting:
                deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
                turn = acquisitions[(number - waiting) % len(acquisitions)]
                values = turn.value(mean, deviation, costs)
                values[order] = -np.inf
                order.append(int(values.argmax()))
            place = order[number]
            acquisitions[-1].add(mean[place], costs[place])
            column = covariance[:, place]
            covariance = covariance - np.outer(column, column) / (
                column[place] + model.noise
            )
        return rows[order[waiting:]]

    def _fit(self):
        """The model of all rewards, and the scale of what it says."""
        if self._model is None:
            features = self.space.encode(self._tried[-_MODELLED:])
            rewards = self._rewards[-_MODELLED:]
            scale = Scale.of(rewards)
            values = scale.apply(rewards)
            again = len(self._rewards) >= _GROWTH * self._fitted
            if again:
                self._parameters = _fitted(features, values, self._parameters)
                self._fitted = len(self._rewards)
            model = GaussianProcess(features, values, self._parameters)
            self._model = model, scale
            self._fit_costs(features, again)
        return self._model

    def _fit_costs(self, features, again):
        costs = self._costs[-_MODELLED:]
        known = np.isfinite(costs)
        self._cost_model = None
        if known.sum() < 2:
            return
        features, logs = features[known], np.log(costs[known])
        values = (logs - logs.mean()) / (logs.std() or 1.0)
        if again:
            self._cost_parameters = _fitted(
                features, values, self._cost_parameters
            )
        self._cost_model = GaussianProcess(
            features, values, self._cost_parameters
        )

    def learn(self, decisions, rewards, costs=None) -> dict[str, float]:
        decisions, rewards = self.check_rewards(decisions, rewards)
        if costs is None:
            costs = np.full(len(rewards), np.nan)
        # Calls are learned in the order in which they were proposed.
        self._pending = self._pending[len(decisions) :]
        tried = np.concatenate((self._tried, decisions))
        gained = np.concatenate((self._rewards, rewards))
        costs = np.concatenate((self._costs, costs))
        # A repeat brings the reward of its first training again.
        pairs = zip(map(tuple, tried.tolist()), gained.tolist(), strict=True)
        first = {pair: n for n, pair in reversed(list(enumerate(pairs)))}
        places = sorted(first.values())
        self._tried, self._rewards = tried[places], gained[places]
        self._costs = costs[places]
        self._model = None
        numbers = {"mean_reward": float(rewards.mean())}
        expected = self.expected(self._tried)
        if expected is None:
            return numbers
        model, scale = self._fit()
        return numbers | {
            "noise": float(model.noise**0.5 * scale.unit),
            "best_expected": float(expected.max()),
        }

    def expected(self, decisions) -> np.ndarray | None:
        if len(self._rewards) < 2:
            return None
        model, scale = self._fit()
        return scale.invert(model.mean(self.space.encode(decisions)))

    def _best(self, count):
        """Those of the tried ones that are expected to be the best."""
        expected = self.expected(self._tried)
        if expected is None:
            return self._tried[:0]
        return self._tried[np.argsort(-expected, kind="stable")[:count]]

    def uncertainty(self, decisions) -> np.ndarray | None:
        if len(self._rewards) < 2:
            return None
        model, scale = self._fit()
        return scale.unit * model.marginals(self.space.encode(decisions))[1]

    def state(self) -> dict[str, np.ndarray]:
        return {
            "seed": np.array(self.seed, "int64"),
            "proposed": np.array(self._proposed, "int64"),
            "pending": self._pending,
            "tried": self._tried,
            "rewards": self._rewards,
            "costs": self._costs,
            "parameters": self._parameters,
            "cost_parameters": self._cost_parameters,
            "fitted": np.array(self._fitted, "int64"),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        if "rewards" in state and "costs" not in state:
            # Of a version that knew no costs.
            unknown = np.full(len(state["rewards"]), np.nan)
            state = {**state, "costs": unknown, "cost_parameters": PRIOR_MEAN}
        self.check_state(state)
        self.seed = int(state["seed"])
        self._proposed = int(state["proposed"])
        self._pending = self.space.check(state["pending"])
        self._tried = self.space.check(state["tried"])
        self._rewards = np.array(state["rewards"], "float64")
        self._costs = np.array(state["costs"], "float64")
        self._parameters = np.array(state["parameters"], "float64")
        self._cost_parameters = np.array(state["cost_parameters"], "float64")
        self._fitted = int(state["fitted"])
        self._model = None

    def probabilities(self) -> list[np.ndarray]:
        """The share of each option among those expected to be the best."""
        return self.space.shares(self._best(_BEST))


def _fitted(features, values, begin):
    """The parameters, fitted to no more rewards than there is time for."""
    count = min(_FITTED, len(values))
    some = np.linspace(0, len(values) - 1, count).astype(int)
    return fitted_parameters(features[some], values[some], begin)


def _decisions(space, names):
    """The decisions of cells to start with: `(n, decisions)`."""
    if names and not hasattr(space, "decisions"):
        raise InputError(
            f"strategy.start: {', '.join(names)} in a space that has no cells; "
            "leave it out"
        )
    rows = []
    for name in names:
        try:
            rows.append(space.decisions(get_genotype(name)))
        except InputError as error:
            raise InputError(
                f"strategy.start: {name} cannot be tried: {error}"
            ) from None
    return np.array(rows, "int32").reshape(len(rows), len(space))
