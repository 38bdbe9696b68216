"""The front of a search: the children that nothing cheaper is as good as."""

from collections.abc import Iterable, Mapping

import numpy as np

from nasnet_tf.search.journal.beliefs import Belief
from nasnet_tf.search.journal.records import ChildRecord


def pareto_front(costs: np.ndarray, accuracies: np.ndarray) -> list[int]:
    """Which points no other beats: none costs no more and is better.

    Returns:
        Their indices, cheapest first.
    """
    front, best = [], -np.inf
    for index in np.lexsort((-accuracies, costs)):
        if accuracies[index] > best:
            front.append(int(index))
            best = accuracies[index]
    return front


def front_of(
    records: Iterable[ChildRecord], beliefs: Mapping[int, Belief]
) -> list[ChildRecord]:
    """The front of what is expected of children, against their cost.

    Args:
        records: of a journal.
        beliefs: by child; where there are any, children without are left out.
            Empty: rewards count.

    Returns:
        The records, cheapest first.
    """
    known = [
        record
        for record in records
        if not record.failure
        and record.cost is not None
        and (not beliefs or record.child in beliefs)
    ]
    worth = [beliefs[r.child].expected if beliefs else r.reward for r in known]
    costs = np.array([record.cost for record in known], "float64")
    return [known[place] for place in pareto_front(costs, np.array(worth))]
