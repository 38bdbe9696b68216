import re

import pytest

from nasnet_tf.training.momentum_checks import (
    average_warning,
    batch_norm_warning,
)


def proposed(line):
    assert "\n" not in line
    return float(re.search(r"--params_override=\S+=(\S+)$", line).group(1))


def test_the_line_names_value_remedy_and_what_it_looks_back_over():
    assert batch_norm_warning(0.9997, 9370) == (
        "model.batch_norm_momentum: 0.9997 is slow for 9,370 steps: the "
        "moving statistics that evaluation uses look back over 3,333 steps; "
        "give --params_override=model.batch_norm_momentum=0.997"
    )
    assert average_warning(0.9999, 9370) == (
        "recipe.ema_momentum: 0.9999 is slow for 9,370 steps: the averaged "
        "weights that evaluation uses look back over 10,000 steps; give "
        "--params_override=recipe.ema_momentum=0.9994"
    )
    assert "never move;" in batch_norm_warning(1.0, 10**9)


@pytest.mark.parametrize(
    ("steps", "momentum"),
    [
        (400, 0.95),
        (2000, 0.99),
        (3000, 0.993),
        (200, 0.9),
        (199, 0.8),
        (60, 0.6),
        (40, 0.5),
        (3, 0.5),
    ],
)
def test_the_proposed_momentum_is_1_minus_20_over_the_steps(steps, momentum):
    assert proposed(batch_norm_warning(0.9997, steps)) == momentum


@pytest.mark.parametrize("steps", [1, 7, 39, 41, 399, 9370, 66_666, 123_456])
@pytest.mark.parametrize(
    ("check", "spans"), [(batch_norm_warning, 20), (average_warning, 5)]
)
def test_who_follows_the_line_is_not_warned_again(check, spans, steps):
    momentum = proposed(check(0.9999999, steps))
    assert check(momentum, steps) is None
    if momentum > 0.5:
        assert (1 - momentum) * steps >= spans * (1 - 1e-9)


def test_the_bound_itself_is_fast_enough():
    assert batch_norm_warning(0.98, 1000) is None
    assert batch_norm_warning(0.98, 999) is not None
    assert average_warning(0.99, 500) is None
    assert average_warning(0.99, 499) is not None


def test_no_average_is_not_too_slow():
    assert average_warning(0.0, 1) is None
    assert batch_norm_warning(0.0, 1) is None
