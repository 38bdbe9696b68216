"""What a search with a surrogate can be told."""

import dataclasses

from nasnet_tf.configuration.sections import Section, field
from nasnet_tf.configuration.values import check_section


@dataclasses.dataclass
class SurrogateSettings(Section):
    """How a model of the rewards is used.

    Args:
        start: cells that are tried first: names such as `NASNET_A`, or paths
            of genotype files.
        random_first: so many random architectures follow them; what the model
            begins with.
        exploration: beta of the upper confidence bound, in standard
            deviations: more tries what is less known.
        random_share: of later proposals, so that no part of the space is
            given up for good.

    Raises:
        InputError: a value cannot be used.
    """

    start: list[str] | None = None
    random_first: int = field(20, least=2)
    exploration: float = field(3.0, interval="[0, inf)")
    random_share: float = field(0.2, interval="[0, 1)")

    def __post_init__(self):
        check_section(self, "strategy")
