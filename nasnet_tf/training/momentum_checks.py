"""Whether moving averages are fast enough for the number of steps.

An average of momentum m looks back over 1 / (1 - m) steps. Where training is
not many times as long, the average describes a network that is no more.
"""

# Of how many such spans training is to consist, at least.
STATISTICS_SPANS = 20
WEIGHTS_SPANS = 5
# No average of fewer than two steps is proposed: it would be mostly noise.
LEAST_MOMENTUM = 0.5


def batch_norm_warning(
    momentum: float,
    steps: int,
    measured: bool = False,
    key: str = "model.batch_norm_momentum",
) -> str | None:
    """A line for who trains with too slow a batch-norm momentum, or None.

    Moving statistics begin at mean 0 and variance 1. After `steps` steps
    momentum^steps of that is left, and the rest lags 1 / (1 - momentum) steps
    behind the weights. It is too slow where the steps are fewer than 20 times
    that.

    Args:
        momentum: of the network's batch norms.
        steps: of the whole training.
        measured: whether the statistics are measured anew where they lag; the
            line then says so, and asks for nothing.
        key: of the momentum in the job's configuration.
    """
    if measured:
        if not lags(momentum, steps):
            return None
        return (
            f"batch norm's moving statistics of momentum {momentum:.10g} lag "
            f"behind in {steps:,} steps: they are measured anew before each "
            "evaluation (model.recalibrate_batch_norm)"
        )
    return _warning(
        key,
        "the moving statistics that evaluation uses",
        momentum,
        steps,
        STATISTICS_SPANS,
    )


def average_warning(ema_momentum: float, steps: int) -> str | None:
    """A line for who averages weights over too many steps, or None.

    The average begins at the first step's weights. It is too slow where the
    steps are fewer than 5 times 1 / (1 - ema_momentum).

    Args:
        ema_momentum: of the recipe; 0 for no average.
        steps: of the whole training.
    """
    return _warning(
        "recipe.ema_momentum",
        "the averaged weights that evaluation uses",
        ema_momentum,
        steps,
        WEIGHTS_SPANS,
    )


def lags(momentum: float, steps: int) -> bool:
    """Whether moving statistics are behind the weights after some steps.

    Args:
        momentum: of the network's batch norms.
        steps: that they were trained for.
    """
    # (1 - 0.9) * 200 is a little less than 20 in floating point.
    return round((1 - momentum) * steps, 9) < STATISTICS_SPANS


def _warning(key, what, momentum, steps, spans):
    if round((1 - momentum) * steps, 9) >= spans:
        return None
    better = _slowest_sufficient(spans, steps)
    if momentum <= better:
        return None
    seen = "never move"
    if momentum < 1:
        seen = f"look back over {1 / (1 - momentum):,.0f} steps"
    return (
        f"{key}: {momentum:.10g} is slow for {steps:,} steps: {what} {seen}; "
        f"give --params_override={key}={better:.10g}"
    )


def _slowest_sufficient(spans, steps):
    """1 - spans / steps, rounded down so that 1 - it has one digit."""
    power = 1
    while spans * power < steps:
        power *= 10
    digit = -(-spans * power // steps)
    return max(LEAST_MOMENTUM, (power - digit) / power)
