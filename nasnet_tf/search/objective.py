"""What a search rewards: accuracy, or accuracy traded against a cost."""

from __future__ import annotations

from collections.abc import Callable

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.arguments import check_choice, check_integer, check_number
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.config import ChildConfig, ObjectiveConfig, SearchConfig
from nasnet_tf.search.costs import check_latency_packages, litert_latency
from nasnet_tf.search.sizes import child_size, matched_child

COSTS = ("none", "parameters", "mult_adds", "latency")


def reward(
    accuracy: float,
    cost: float | None = None,
    target: float | None = None,
    exponent: float = -0.07,
) -> float:
    """The reward of a child: accuracy * (cost / target) ** exponent.

    MnasNet's soft form, in which both exponents are equal (Tan et al. 2019,
    equation 2 and section 3.1): with -0.07 a network of twice the cost has to
    be 5 % more accurate to be worth as much.

    Args:
        accuracy: in [0, 1].
        cost: of the child, more than 0; None: the reward is the accuracy.
        target: the cost at which the reward is the accuracy.
        exponent: 0 or less.

    Raises:
        InputError: there is a cost and no target.
    """
    if cost is None:
        return float(accuracy)
    if target is None:
        raise InputError(
            f"target: none given with a cost of {cost:,.6g}; give the cost at "
            "which the reward is the accuracy"
        )
    return float(accuracy) * (cost / target) ** exponent


def rewarded(
    objective: ObjectiveConfig, accuracy: float, cost: float | None
) -> float:
    """The reward that an objective gives; of a front the accuracy alone."""
    traded = None if objective.front else cost
    return reward(accuracy, traded, objective.target, objective.exponent)


def check_objective(objective: ObjectiveConfig) -> None:
    """Checks an objective before anything is built.

    Raises:
        InputError: a value is unknown, or missing, or does nothing; one line.
    """
    check_choice("objective.cost", objective.cost, COSTS)
    if objective.cost == "latency":
        check_latency_packages()
    check_number("objective.exponent", objective.exponent, "(-inf, 0]")
    if objective.cost == "none":
        for name in ("target", "front"):
            value = getattr(objective, name)
            # A target of 0 is one.
            if value is not None and value is not False:
                raise InputError(
                    f"objective.{name}: {value} without a cost; give "
                    f"objective.cost, one of {', '.join(COSTS[1:])}"
                )
        return
    if objective.front:
        if objective.target is not None:
            raise InputError(
                f"objective.target: {objective.target} beside objective.front, "
                "which looks for the best at every cost; leave one out"
            )
        return
    if objective.target is None:
        raise InputError(
            f"objective.target: none given with objective.cost "
            f"{objective.cost!r}; give the cost at which the reward is the "
            "accuracy"
        )
    check_number("objective.target", objective.target, "(0, inf)")


class Objective:
    """Judges children: `objective(genotype, accuracy)`.

    Args:
        objective: what is traded.
        child: the network that a genotype becomes.
        classes: of its classifier.
        channels: of its images.
        measure_latency: `(genotype, child, classes, channels)` to
            milliseconds, in place of `costs.litert_latency`, such as one that
            asks a phone.

    Raises:
        InputError: see `check_objective`.
    """

    def __init__(
        self,
        objective: ObjectiveConfig,
        child: ChildConfig,
        classes: int,
        channels: int = 3,
        measure_latency: Callable = litert_latency,
    ):
        check_objective(objective)
        check_integer("classes", classes)
        self.objective = objective
        self._network = (child, classes, channels)
        self._measure_latency = measure_latency

    def __call__(self, genotype: Genotype, accuracy: float) -> dict:
        """What a trained child is worth.

        Args:
            genotype: of the child.
            accuracy: in [0, 1]; 0 of one that failed, whose latency is not
                measured.

        Returns:
            `reward`; `cost`, None where none counts; `parameters`,
            `mult_adds` and `filters`, F.
        """
        child, *images = self._network
        child = matched_child(genotype, child, *images)
        size = child_size(genotype, child, *images)
        kind = self.objective.cost
        cost = None
        if kind == "latency":
            if accuracy:
                cost = self._measure_latency(genotype, child, *images)
        elif kind != "none":
            cost = getattr(size, kind)
        return {
            "reward": rewarded(self.objective, accuracy, cost),
            "cost": cost,
            "parameters": size.parameters,
            "mult_adds": size.mult_adds,
            "filters": child.filters,
        }


def make_objective(config: SearchConfig, data) -> Objective:
    """The objective of a search.

    Args:
        config: of the search.
        data: of its children, with `class_names` and `image_shape`.

    Raises:
        InputError: see `check_objective`.
    """
    return Objective(
        config.objective,
        config.child,
        len(data.class_names),
        data.image_shape[-1],
    )
