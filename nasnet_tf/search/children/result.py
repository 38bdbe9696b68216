"""What came of a child."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class ChildResult:
    """What came of a child.

    Args:
        accuracy: on the held-out images, after the last step; 0 where it
            failed.
        loss: mean cross-entropy there; None where it failed.
        curve: an entry for each evaluation: `step`, `loss`, `accuracy`.
        seconds: from the genotype to the accuracy.
        failure: why there is no accuracy, in one line; None where there is.
        unexpected: whether the failure is neither divergence nor memory, so
            that the machine may be at fault and not the child.
    """

    accuracy: float
    loss: float | None
    curve: list[dict]
    seconds: float
    failure: str | None = None
    unexpected: bool = False

    def measured(self, measure: str) -> float:
        """What the objective takes for accuracy, in [0, 1].

        Args:
            measure: of `ObjectiveConfig`.
        """
        if measure == "accuracy" or self.failure or self.loss is None:
            return self.accuracy
        return math.exp(-self.loss)
