"""The best cells of a search, for its report."""

import pathlib
import tempfile

import numpy as np

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.pictures.cell_drawing import draw_genotype
from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.verdict import verdict_table

# Finalists whose cells are drawn.
DRAWN = 3
_LISTED = 10


def best_cells(run: SearchRun) -> ReportSection | None:
    """The finalists, or else the best children: a table and drawn cells.

    Args:
        run: of the search.
    """
    section = ReportSection("cells", "The best cells")
    finalists = run.finalists.get("finalists", [])
    if finalists:
        _finalist_table(section, run.finalists)
        verdict_table(section, run)
        genotypes = [
            (entry["name"], Genotype.load(run.folder / entry["file"]))
            for entry in finalists[:DRAWN]
        ]
    else:
        best = run.best(_LISTED)
        _record_table(section, best)
        genotypes = [
            (f"child {record.child}", Genotype.from_dict(record.genotype))
            for record in best[:1]
            if record.genotype
        ]
    for name, genotype in genotypes:
        section.image(_drawn(genotype, name), "image/svg+xml", f"{name}.")
    return section if section.items else None


def _finalist_table(section, finalists):
    rows = []
    compared = finalists.get("compared", [])
    for entry in (*finalists["finalists"], *compared):
        searched = entry["search_accuracy"]
        rows.append(
            [
                entry["name"],
                _mean(entry["accuracies"]),
                _mean(entry["test_accuracies"]),
                "-" if searched is None else f"{searched:.2%}",
                f"{entry['num_cells']}, {entry['filters']}",
                *_sizes(entry["parameters"], entry["mult_adds"]),
            ]
        )
    section.table(
        [
            "finalist",
            "held out",
            "evaluation split",
            "in the search",
            "N, F",
            "parameters",
            "mult-adds",
        ],
        rows,
        f"Accuracy, mean ± standard deviation, of {finalists['seeds']} "
        f"training(s) of {_length(finalists)}; ranked by the held-out images.",
    )


def _sizes(parameters, mult_adds):
    """Two cells of a table; a network that failed has no sizes."""
    return (
        "-" if parameters is None else f"{parameters:,}",
        "-" if mult_adds is None else f"{mult_adds / 1e6:,.1f}M",
    )


def _mean(accuracies):
    if None in accuracies:
        return "-"
    text = f"{np.mean(accuracies):.2%}"
    if len(accuracies) > 1:
        text += f" ± {100 * np.std(accuracies):.2f}"
    return text


def _length(finalists):
    if finalists["steps"]:
        return f"{finalists['steps']:,} steps"
    return f"{finalists['epochs']:g} epochs"


def _record_table(section, records):
    section.table(
        ["child", "reward", "accuracy", "parameters", "mult-adds"],
        [
            [
                record.child,
                f"{record.reward:.4f}",
                f"{record.accuracy:.2%}",
                *_sizes(record.parameters, record.mult_adds),
            ]
            for record in records
        ],
        "The best of the search; no finalist was trained longer yet.",
    )


def _drawn(genotype, title):
    with tempfile.TemporaryDirectory() as folder:
        path = draw_genotype(genotype, pathlib.Path(folder) / "c.svg", title)
        return path.read_bytes()
