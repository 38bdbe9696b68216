"""Whether the best finalist is better than what stands beside it.

With one seed both draw their images in the same order, and leave the same ones
out, so that their difference is less noisy than either.
"""

import numpy as np

from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.reading import SearchRun

_CONFIDENCE = 0.95


def paired_differences(finalists: dict) -> list[dict]:
    """The best finalist less each network beside it, seed by seed.

    Args:
        finalists: the content of `finalists.json`.

    Returns:
        For each of `compared`, where both have two seeds or more and none
        failed: `name`; `of`, `"test_accuracy"` on the evaluation split, or
        `"accuracy"` on the held-out images where there is none; `differences`
        by seed; `mean`; `interval`, its 95 % confidence interval (Student's
        t); and `parameters`, the best's over the other's.
    """
    best = finalists["finalists"][0]
    found = []
    for other in finalists.get("compared", []):
        if not best.get("failure") and not other.get("failure"):
            difference = _difference(best, other)
            found += [difference] if difference else []
    return found


def _difference(best, other):
    names = {"test_accuracies": "test_accuracy", "accuracies": "accuracy"}
    for values, name in names.items():
        pair = best[values], other[values]
        if any(value is None for value in (*pair[0], *pair[1])):
            continue
        if len(pair[0]) != len(pair[1]) or len(pair[0]) < 2:
            return None
        differences = np.subtract(*pair)
        return {
            "name": other["name"],
            "of": name,
            "differences": differences.tolist(),
            "mean": float(differences.mean()),
            "interval": _interval(differences),
            "parameters": best["parameters"] / other["parameters"],
        }
    return None


def _interval(differences):
    # Where it is needed: it takes half a second.
    from scipy import stats

    count = len(differences)
    error = differences.std(ddof=1) / count**0.5
    reach = stats.t.ppf(0.5 + _CONFIDENCE / 2, count - 1) * error
    mean = differences.mean()
    return [float(mean - reach), float(mean + reach)]


def told(finalists: dict) -> list[str]:
    """A line for each of `paired_differences`."""
    best = finalists["finalists"][0]["name"]
    lines = []
    for found in paired_differences(finalists):
        low, high = (100 * value for value in found["interval"])
        images = "evaluation split" if "test" in found["of"] else "held out"
        verdict = "no different"
        if low > 0 or high < 0:
            verdict = "better" if low > 0 else "worse"
        lines.append(
            f"{best} less {found['name']}: {100 * found['mean']:+.2f} points "
            f"({images}; 95 % interval {low:+.2f} to {high:+.2f}, "
            f"{len(found['differences'])} seeds, {found['parameters']:.3f} "
            f"times the parameters): {verdict}"
        )
    return lines


def verdict_table(section: ReportSection, run: SearchRun) -> None:
    """Adds the differences to a section, where there are any."""
    rows = []
    for found in paired_differences(run.finalists):
        low, high = (100 * value for value in found["interval"])
        rows.append(
            [
                found["name"],
                f"{100 * found['mean']:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
                " ".join(f"{100 * d:+.1f}" for d in found["differences"]),
                f"{found['parameters']:.3f}",
            ]
        )
    if rows:
        section.table(
            [
                "beside the best",
                "difference",
                "95 % interval",
                "by seed",
                "parameters, best / other",
            ],
            rows,
            "Points that the best finalist is ahead, of the evaluation split, "
            "or of the held-out images where there is none, in pairs of one "
            "seed. An interval around 0 tells no difference.",
        )
