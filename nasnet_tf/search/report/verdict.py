"""Whether the best finalist is better than what stands beside it.

With one seed both draw their images in the same order, and leave the same ones
out, so that their difference is less noisy than either.
"""

import numpy as np

from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.reading import SearchRun

_CONFIDENCE = 0.95
_IMAGES = {
    "test_accuracy": "evaluation split",
    "accuracy": "the images that decided the ranking",
}


def paired_differences(finalists: dict) -> list[dict]:
    """The best finalist less each network beside it, seed by seed.

    Args:
        finalists: the content of `finalists.json`.

    Returns:
        For each of `compared` of the same N, where both have two seeds or more
        and none failed: `name`; its `filters`, F; `of`, `"test_accuracy"` on
        the evaluation split, or where there is none `"accuracy"`, by which the
        finalists were ranked; `differences` by seed; `mean`; `interval`, its
        95 % confidence interval (Student's t); `parameters`, the best's over
        the other's; and `chosen_by_these`, whether the best was chosen among
        several by the same numbers, and is better by luck too.
    """
    best = finalists["finalists"][0]
    found = []
    for other in finalists.get("compared", []):
        failed = best.get("failure") or other.get("failure")
        if failed or best["num_cells"] != other["num_cells"]:
            continue
        if difference := _difference(best, other):
            several = len(finalists["finalists"]) > 1
            difference["chosen_by_these"] = several and (
                difference["of"] == "accuracy"
            )
            found.append(difference)
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
            "filters": other["filters"],
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
    best = finalists["finalists"][0]
    lines = []
    for found in paired_differences(finalists):
        low, high = (100 * value for value in found["interval"])
        lines.append(
            f"{best['name']} (F = {best['filters']}) less {found['name']} "
            f"(F = {found['filters']}): {100 * found['mean']:+.2f} points "
            f"({_IMAGES[found['of']]}; 95 % interval {low:+.2f} to "
            f"{high:+.2f}, {len(found['differences'])} seeds, "
            f"{found['parameters']:.3f} times the parameters): "
            f"{_verdict(found)}"
        )
    return lines


def _verdict(found):
    low, high = found["interval"]
    if high < 0:
        return "worse"
    if low <= 0:
        return "no different"
    if found["chosen_by_these"]:
        return "no verdict, the best was chosen by these images"
    return "better"


def verdict_table(section: ReportSection, run: SearchRun) -> None:
    """Adds the differences to a section, where there are any."""
    rows = []
    for found in paired_differences(run.finalists):
        low, high = (100 * value for value in found["interval"])
        rows.append(
            [
                f"{found['name']}, F = {found['filters']}",
                f"{100 * found['mean']:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
                " ".join(f"{100 * d:+.1f}" for d in found["differences"]),
                f"{found['parameters']:.3f}",
                _verdict(found),
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
                "the best is",
            ],
            rows,
            "Points that the best finalist is ahead, of the evaluation split, "
            "or of the images that decided the ranking where there are no "
            "others, in pairs of one seed. An interval around 0 tells no "
            "difference.",
        )
