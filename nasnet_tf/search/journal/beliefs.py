"""What is believed that children are worth, beside their rewards.

The highest of many noisy rewards was lucky; what is recommended follows the
belief of the race, or of a strategy that has one.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping

from nasnet_tf.search.journal.durable_files import replace, writable
from nasnet_tf.search.journal.file_names import EXPECTED_FILE
from nasnet_tf.search.journal.records import ChildRecord


@dataclasses.dataclass(frozen=True)
class Belief:
    """Of one child.

    Args:
        expected: reward.
        uncertainty: the standard deviation of what is expected, not of another
            training's reward.
    """

    expected: float
    uncertainty: float


def write_beliefs(model_dir, beliefs: Mapping[int, Belief]) -> None:
    """Writes what is believed of each child; nothing of none.

    Raises:
        InputError: the file cannot be written.
    """
    values = {
        str(child): dataclasses.asdict(belief)
        for child, belief in sorted(beliefs.items())
    }
    path = pathlib.Path(model_dir) / EXPECTED_FILE
    with writable(path):
        if not beliefs:
            # Of a race before there were more samples.
            path.unlink(missing_ok=True)
            return
        replace(path, json.dumps(values, indent=1).encode())


def read_beliefs(model_dir) -> dict[int, Belief]:
    """By child what is believed; empty of a strategy that has only rewards."""
    path = pathlib.Path(model_dir) / EXPECTED_FILE
    if not path.is_file():
        return {}
    values = json.loads(path.read_text(encoding="utf-8"))
    return {int(child): Belief(**belief) for child, belief in values.items()}


def recommended(
    records: Iterable[ChildRecord],
    beliefs: Mapping[int, Belief],
    count: int,
) -> list[ChildRecord]:
    """The best records, best first; failures left out.

    Args:
        records: of a journal.
        beliefs: by child; where there are any, children without are left out.
            Empty: rewards count.
        count: so many.
    """

    def worth(record):
        if beliefs:
            return beliefs[record.child].expected
        return record.reward

    trained = [
        record
        for record in records
        if not record.failure and (not beliefs or record.child in beliefs)
    ]
    return sorted(trained, key=lambda r: (-worth(r), r.child))[:count]
