"""The model of rewards beside scikit-learn's, and what it makes of noise."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    WhiteKernel,
)

from nasnet_tf import get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.cell_space import make_cell_space
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.surrogate.gaussian_process import (
    PRIOR_MEAN,
    GaussianProcess,
    Scale,
    fitted_parameters,
)
from nasnet_tf.search.strategies.surrogate.settings import SurrogateSettings
from nasnet_tf.search.strategies.surrogate.strategy import Surrogate
from tests.conftest import line_of

# More architectures, 4^10, than are looked at all.
SIZES = (4,) * 10
SPACE = DecisionSpace(
    SIZES,
    tuple(f"d{n}" for n in range(10)),
    ("x",) * 10,
    (tuple("0123"),) * 10,
)
WORTH = np.random.default_rng(8).normal(size=(4, 10)).T


def worth(decisions):
    """Of an architecture, about 0 to 1: parts, and a pair that goes well."""
    parts = WORTH[np.arange(10), decisions].sum(1)
    return 0.5 + 0.03 * (parts + 2 * (decisions[:, 0] == decisions[:, 1]))


def searched(strategy, samples, noise=0.0, seed=0):
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(samples // 10):
        found.append(strategy.propose(10))
        rewards = worth(found[-1]) + noise * generator.normal(size=10)
        strategy.learn(found[-1], rewards)
    return np.concatenate(found)


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(1)
    decisions = SPACE.sample(generator, 60)
    values = worth(decisions) + 0.03 * generator.normal(size=60)
    return SPACE.encode(decisions), Scale.of(values).apply(values)


def scikit_learn(features, values, parameters):
    a, b, length, noise = np.exp(parameters)
    # Its features have to be divided by what ours are divided inside.
    kernel = (
        ConstantKernel(a) * DotProduct(1e-6)
        + ConstantKernel(b) * RBF(length**0.5)
        + WhiteKernel(noise)
    )
    model = GaussianProcessRegressor(kernel, alpha=1e-6, optimizer=None)
    return model.fit(features, values)


def test_the_posterior_is_that_of_scikit_learn(rows):
    features, values = rows
    parameters = np.log([0.3, 0.8, 0.7, 0.2])
    ours = GaussianProcess(features[:40], values[:40], parameters)
    # Of one-hot features every row has the norm 10.
    theirs = scikit_learn(features[:40] / 10**0.5, values[:40], parameters)
    expected, covariance = theirs.predict(
        features[40:] / 10**0.5, return_cov=True
    )
    mean, deviation = ours.marginals(features[40:])
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    # Theirs is of rewards, with the noise; ours of what is behind them.
    variance = np.diag(covariance) - 0.2
    np.testing.assert_allclose(deviation**2, variance, atol=1e-6)
    mean, joint = ours.joint(features[40:])
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    np.testing.assert_allclose(joint, covariance - 0.2 * np.eye(20), atol=1e-6)
    np.testing.assert_allclose(ours.mean(features[40:]), mean)


def test_fitted_parameters_are_likely(rows):
    features, values = rows

    def posterior(parameters):
        likelihood = scikit_learn(
            features / 10**0.5, values, parameters
        ).log_marginal_likelihood_value_
        off = (parameters - PRIOR_MEAN) / [1.5, 1.5, 1.0, 1.5]
        return likelihood - off @ off / 2

    found = fitted_parameters(features, values, PRIOR_MEAN)
    best = posterior(found)
    assert best > posterior(PRIOR_MEAN)
    for place in range(4):
        for step in (-0.1, 0.1):
            near = found + step * np.eye(4)[place]
            assert posterior(near) < best + 1e-3


def test_a_scale_can_be_undone():
    rewards = np.array([0.1, 0.5, 0.7, 0.72, 0.8])
    scale = Scale.of(rewards)
    values = scale.apply(rewards)
    assert values.mean() == pytest.approx(0) and values.std() == pytest.approx(
        1
    )
    np.testing.assert_allclose(scale.invert(values), rewards)
    assert np.diff(values)[0] < 6 * np.diff(values)[1:].max()
    assert (Scale.of(np.full(3, 0.5)).apply(np.full(3, 0.5)) == 0).all()


def test_it_finds_in_a_hundred_samples_what_chance_does_not():
    best = {True: [], False: []}
    for seed in range(3):
        found = searched(Surrogate(SPACE, seed), 100)
        chance = SPACE.sample(np.random.default_rng(seed), 2000)
        best[True].append(worth(found).max())
        best[False].append(worth(chance).max())
        assert len(np.unique(found, axis=0)) == 100
    assert min(best[True]) > max(best[False])


def test_what_it_recommends_is_better_than_the_luckiest():
    recommended, luckiest, noises = [], [], []
    for seed in range(8):
        strategy = Surrogate(SPACE, seed)
        generator = np.random.default_rng(seed)
        found = SPACE.sample(generator, 150)
        rewards = worth(found) + 0.1 * generator.normal(size=150)
        numbers = strategy.learn(found, rewards)
        tried, seen = strategy.state()["tried"], strategy.state()["rewards"]
        expected = strategy.expected(tried)
        recommended.append(worth(tried[expected.argmax()][None])[0])
        luckiest.append(worth(tried[seen.argmax()][None])[0])
        noises.append(numbers["noise"])
        assert numbers["best_expected"] < seen.max()
        assert 0 < strategy.uncertainty(tried).max() < 0.3
    assert np.mean(recommended) > np.mean(luckiest) + 0.02
    # Low rather than high: some noise passes for what makes cells differ.
    assert 0.05 < np.mean(noises) < 0.12


def test_cells_to_start_with_come_first():
    space = make_cell_space("A")
    settings = SurrogateSettings(start=["NASNET_A"], random_first=5)
    first = Surrogate(space, 0, settings).propose(4)
    assert tuple(first[0]) == space.decisions(get_genotype("NASNET_A"))
    assert (Surrogate(space, 1, settings).propose(4)[1:] != first[1:]).any()
    parted = Surrogate(space, 0, settings)
    assert (parted.propose(1) == first[:1]).all()
    assert (parted.propose(1) != first[:1]).any()


@pytest.mark.parametrize(
    ("space", "line"),
    [
        (
            make_cell_space("A", operations=["identity"]),
            "strategy.start: NASNET_A cannot be tried: genotype NASNet-A, "
            "normal cell, block 0",
        ),
        (SPACE, "strategy.start: NASNET_A in a space that has no cells"),
    ],
)
def test_cells_that_cannot_be_started_with(space, line):
    with pytest.raises(InputError) as error:
        Surrogate(space, 0, SurrogateSettings(start=["NASNET_A"]))
    assert line_of(error).startswith(line)


def test_without_anything_learned_it_draws_at_random():
    strategy = Surrogate(SPACE, 0)
    strategy.propose(30)
    assert strategy.expected(strategy.propose(4)) is None
    assert strategy.learn(SPACE.sample(np.random.default_rng(0), 1), [0.5]) == {
        "mean_reward": 0.5
    }


def test_no_cell_is_tried_again_in_other_words():
    space = make_cell_space(
        "A", num_blocks=1, operations=["identity", "conv_1x1"]
    )
    strategy = Surrogate(space, 0, SurrogateSettings(random_first=6))
    generator = np.random.default_rng(0)
    forms = []
    for _ in range(6):
        found = strategy.propose(6)
        forms += [space.normal_form(row) for row in found]
        strategy.learn(found, generator.random(6))
    # Of 36 proposals about eight are random and may repeat others.
    assert len(set(forms)) >= 26
