"""What a search has found after so many samples (Figure 6)."""

import bisect
from collections.abc import Hashable, Sequence

import numpy as np

# Figure 6 draws the best, and the means of the best so many.
COUNTS = (1, 5, 25)


def curves(
    architectures: Sequence[Hashable],
    scores: Sequence[float],
    others: Sequence[float] | None = None,
    counts: Sequence[int] = COUNTS,
) -> dict[int, np.ndarray]:
    """Mean score of the best unique architectures after every sample.

    Args:
        architectures: what was sampled, in order; equal ones count once, with
            their first score.
        scores: of the samples, by which the best are chosen.
        others: what to average in place of the scores, such as the test
            accuracy of the same architectures.
        counts: of how many architectures to take the mean. While fewer were
            seen, it is the mean of those.

    Returns:
        By count, an array of the length of `architectures`.
    """
    others = scores if others is None else others
    results = {count: np.zeros(len(architectures)) for count in counts}
    seen = set()
    # The best so far, best first: the negative score, its order, the other.
    best: list[tuple[float, int, float]] = []
    for number, architecture in enumerate(architectures):
        if architecture not in seen:
            seen.add(architecture)
            entry = (-scores[number], number, others[number])
            bisect.insort(best, entry)
            del best[max(counts) :]
        for count, values in results.items():
            values[number] = np.mean([entry[2] for entry in best[:count]])
    return results
