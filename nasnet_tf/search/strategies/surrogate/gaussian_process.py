"""Gaussian-process regression of rewards (Rasmussen & Williams 2006).

The covariance of two architectures with features x and x' is

    a <x, x'> / p  +  b exp(-|x - x'|^2 / (2 l p)),

p the mean of |x|^2: what each feature adds by itself, and what architectures
that are alike have in common. a, b, l and the variance of the noise maximise
the marginal likelihood (section 5.4.1) under broad log-normal priors. It is
scikit-learn's `GaussianProcessRegressor` of `DotProduct + RBF + White`, at a
fraction of the time, for it reads features once and needs no gradient of each
entry by each parameter.
"""

import dataclasses

import numpy as np
import scipy.linalg
import scipy.optimize

# Logarithms of a, b, l and the noise's variance, rewards having variance 1.
PRIOR_MEAN = np.log([0.5, 0.5, 0.5, 0.1])
_PRIOR_DEVIATION = np.array([1.5, 1.5, 1.0, 1.5])
# Of a shorter length no architecture is like another, and noise is not told
# from what makes them differ.
_BOUNDS = [(-6.0, 3.0), (-6.0, 3.0), (-1.0, 3.0), (-9.0, 1.5)]
_ITERATIONS = 30
# Of the variance of the rewards, so that equal rows do no harm.
_JITTER = 1e-6
# Machines and numbers of threads differ in the last bits, and workers have to
# propose the same.
_DIGITS = 3


@dataclasses.dataclass(frozen=True)
class Scale:
    """Rewards as the model sees them: of mean 0 and variance 1.

    What is below the median is compressed by a logarithm: how bad a bad
    architecture is says little about the best ones.

    Args:
        median: of the rewards.
        spread: from the median to the third quartile.
        mean: of the compressed rewards.
        deviation: of the compressed rewards.
    """

    median: float
    spread: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, rewards: np.ndarray) -> "Scale":
        """The scale that fits rewards, `(n,)`."""
        median, quartile = np.percentile(rewards, [50, 75])
        # Equal rewards have no spread.
        spread = quartile - median or np.std(rewards) or 1.0
        compressed = _compress((rewards - median) / spread)
        deviation = compressed.std() or 1.0
        return cls(median, spread, compressed.mean(), deviation)

    def apply(self, rewards: np.ndarray) -> np.ndarray:
        """From rewards to what the model sees."""
        compressed = _compress((rewards - self.median) / self.spread)
        return (compressed - self.mean) / self.deviation

    def invert(self, values: np.ndarray) -> np.ndarray:
        """From what the model sees to rewards."""
        values = values * self.deviation + self.mean
        below = -np.expm1(-np.minimum(values, 0))
        return self.median + self.spread * np.where(values < 0, below, values)

    @property
    def unit(self) -> float:
        """What 1 is as a difference of rewards, above the median."""
        return self.spread * self.deviation


def _compress(values):
    return np.where(values < 0, -np.log1p(-np.minimum(values, 0)), values)


class GaussianProcess:
    """A posterior over rewards.

    Args:
        features: `(n, features)`, of the architectures that were tried.
        values: `(n,)`, of mean 0 and variance 1.
        parameters: logarithms of a, b, l and the noise's variance.
    """

    def __init__(self, features, values, parameters):
        self._features, self._norm = features, _norm(features)
        a, b, length, self.noise = np.exp(parameters)
        self._parameters = a, b, length
        covariance = self._prior(features, features)
        covariance[np.diag_indices(len(values))] += self.noise + _JITTER
        self._factor = scipy.linalg.cholesky(covariance, lower=True)
        self._weights = scipy.linalg.cho_solve((self._factor, True), values)

    def mean(self, features) -> np.ndarray:
        """The posterior mean of each row: `(n,)`."""
        return self._prior(features, self._features) @ self._weights

    def marginals(self, features) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean and standard deviation of each row: `(n,)` each."""
        mean, reduced = self._posterior(features)
        a, b, _ = self._parameters
        prior = a * np.square(features).sum(1) / self._norm + b
        variance = prior - np.square(reduced).sum(0)
        return mean, np.sqrt(np.maximum(variance, 0))

    def joint(self, features) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean `(n,)` and covariance `(n, n)`."""
        mean, reduced = self._posterior(features)
        return mean, self._prior(features, features) - reduced.T @ reduced

    def _posterior(self, features):
        shared = self._prior(self._features, features)
        reduced = scipy.linalg.solve_triangular(
            self._factor, shared, lower=True
        )
        return shared.T @ self._weights, reduced

    def _prior(self, left, right):
        a, b, length = self._parameters
        products, distances = _products(left, right, self._norm)
        return a * products + b * np.exp(distances / (-2 * length))


def fitted_parameters(features, values, begin) -> np.ndarray:
    """The parameters of the highest posterior probability.

    Args:
        features: `(n, features)`.
        values: `(n,)`, of mean 0 and variance 1.
        begin: parameters to begin at, beside the means of the priors: there
            can be several maxima, and one fit's is not the next one's.
    """
    products, distances = _products(features, features, _norm(features))
    diagonal = np.diag_indices(len(values))

    def loss(parameters):
        a, b, length, noise = np.exp(parameters)
        alike = b * np.exp(distances / (-2 * length))
        covariance = a * products + alike
        covariance[diagonal] += noise + _JITTER
        factor = scipy.linalg.cholesky(covariance, lower=True)
        inverse = scipy.linalg.cho_solve((factor, True), np.eye(len(values)))
        weights = inverse @ values
        # Of the log likelihood (equation 5.9), with respect to logarithms.
        inner = inverse - np.outer(weights, weights)
        gradient = [
            a * np.vdot(inner, products),
            np.vdot(inner, alike),
            np.vdot(inner, alike * distances) / (2 * length),
            noise * np.trace(inner),
        ]
        off = (parameters - PRIOR_MEAN) / _PRIOR_DEVIATION
        return (
            values @ weights / 2
            + np.log(factor[diagonal]).sum()
            + off @ off / 2,
            np.array(gradient) / 2 + off / _PRIOR_DEVIATION,
        )

    fits = [
        scipy.optimize.minimize(
            loss,
            place,
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
            options={"maxiter": _ITERATIONS},
        )
        for place in (begin, PRIOR_MEAN)
    ]
    return np.round(min(fits, key=lambda fit: fit.fun).x, _DIGITS)


def _norm(features):
    return np.square(features).sum(1).mean()


def _products(left, right, norm):
    """Inner products and squared distances of all pairs of rows, by norm."""
    products = left @ right.T / norm
    squares = [np.square(rows).sum(1) / norm for rows in (left, right)]
    distances = squares[0][:, None] + squares[1] - 2 * products
    return products, np.maximum(distances, 0)
