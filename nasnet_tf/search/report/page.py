"""The report of a search: one HTML file that needs no other."""

import collections
import dataclasses
import pathlib
import re
import shlex
from collections.abc import Sequence

import numpy as np
import yaml

from nasnet_tf.checks.packages import check_packages
from nasnet_tf.files.output_file import written_beside
from nasnet_tf.pictures.html_report import ReportSection, render
from nasnet_tf.search.journal.file_names import TRAINING_FILE
from nasnet_tf.search.journal.found import found_file, training_command
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.report import pictures, probabilities
from nasnet_tf.search.report.best_cells import best_cells
from nasnet_tf.search.report.expectations import expectations
from nasnet_tf.search.report.front import front
from nasnet_tf.search.report.race import race

REPORT = "report.html"
PACKAGES = {"jinja2": "jinja2", "matplotlib": "matplotlib"}


@dataclasses.dataclass
class _Page:
    """What the template reads."""

    headline: str
    facts: list[tuple[str, str]]
    sections: list[ReportSection]
    command: str
    config: str
    failures: tuple = ()


def write_report(model_dir, compare: Sequence = ()) -> pathlib.Path:
    """Writes `report.html` of a search, finished or not.

    Figure 6 of the paper for this search, its controller, its best cells,
    cost against accuracy, and how its workers spent their time.

    Args:
        model_dir: of the search; the report is written into it.
        compare: model_dirs of searches to draw beside it, such as one of
            random search.

    Returns:
        The path of the report.

    Raises:
        InputError: no such search, a package of the extra `train` is missing,
            or the file cannot be written.
    """
    check_packages("report", PACKAGES)
    runs = [read_run(folder) for folder in (model_dir, *compare)]
    run = runs[0]
    names = _names(runs)
    sections = [
        _progress(runs, names),
        best_cells(run),
        expectations(run),
        race(run),
        front(run),
        _controller(run),
        _costs(run),
        _work(run),
    ]
    page = _Page(
        headline=_headline(run),
        facts=_facts(run),
        sections=[section for section in sections if section],
        command=_command(runs),
        config=yaml.safe_dump(run.config, sort_keys=False).strip(),
    )
    text = render(
        "search/report/report.html", context=page, commands=_commands(run)
    )
    path = run.folder / REPORT
    with written_beside(path, "model_dir") as beside:
        beside.write_text(text, encoding="utf-8")
    return path


def _names(runs):
    """A name for each run; its folder's where two have one strategy."""
    strategies = [run.strategy for run in runs]
    if len(set(strategies)) == len(runs):
        return strategies
    return [run.folder.resolve().name for run in runs]


def _headline(run):
    best = (run.best(1) or run.records)[0]
    size = _space_size(run)
    among = f" from 10^{size:.0f} architectures" if size else ""
    if run.beliefs and not best.failure:
        expected = run.beliefs[best.child].expected
        return (
            f"{expected:.4f} expected of the best of {len(run.records):,} "
            f"children{among}"
        )
    return (
        f"{best.reward:.4f}: the best of {len(run.records):,} children{among}"
    )


def _space_size(run):
    _, decisions = probabilities.read_probabilities(run)
    sizes = [part.shape[1] for part in decisions]
    return float(np.log10(sizes).sum()) if sizes else 0.0


def _facts(run):
    samples = len(run.samples)
    best = max(run.succeeded, key=lambda r: r.accuracy, default=None)
    facts = [("samples", f"{samples:,}")]
    if best:
        facts.insert(0, ("best held-out accuracy", f"{best.accuracy:.2%}"))
    if run.config.get("child", {}).get("method") == "shared":
        facts.append(("children's weights", "shared, as in ENAS"))
    return [
        *facts,
        ("unique children", f"{len(run.records):,}"),
        *([("trained again", f"{len(run.repeats):,}")] if run.repeats else []),
        ("failed", f"{len(run.failures):,}"),
        ("workers", f"{run.workers:,}"),
        (
            "trainings an hour",
            f"{len(run.trainings) / run.elapsed * 3600:,.0f}",
        ),
        ("hours", f"{run.elapsed / 3600:,.2f}"),
    ]


def _progress(runs, names):
    section = ReportSection("progress", "What was found, and when")
    section.figure(
        pictures.progress(runs, names),
        "Figure 6 of the paper for this search: of the unique architectures "
        "among so many samples the best, and the means of the best 5 and 25 "
        "from where there are as many. The picture begins where 5 % of the "
        "samples were seen.",
        wide=True,
    )
    section.figure(pictures.children(runs[0]), "Every child that was trained.")
    rows = []
    for run, name in zip(runs, names, strict=True):
        samples = run.samples
        unique = len({record.decisions for record in samples})
        last = (
            f"{values[-1]:.4f}" if unique >= count else "-"
            for count, values in pictures.measured(run).items()
        )
        rows.append([name, f"{len(samples):,}", f"{unique:,}", *last])
    labels = [label for label, _ in pictures.MEASURES.values()]
    section.table(
        ["search", "samples", "unique", *labels],
        rows,
        f"{pictures.score_name(runs[0]).capitalize()} after all samples.",
    )
    return section


def _controller(run):
    title = "What the controller learned"
    if run.strategy != "rl":
        title = "What was proposed, and when"
    section = ReportSection("controller", title)
    curve = pictures.entropy(run)
    if curve is not None:
        section.figure(
            curve,
            "Entropy in nats of what the controller proposes.",
        )
    samples, decisions = probabilities.read_probabilities(run)
    if decisions:
        sizes = [part.shape[1] for part in decisions]
        space = probabilities.find_space(run, sizes)
        if space is not None:
            section.figure(
                probabilities.operations(samples, decisions, space),
                "How often each operation is proposed, over all decisions on "
                "operations; at the right, last.",
                wide=True,
            )
        for title, figure in probabilities.heat_maps(samples, decisions, space):
            section.figure(
                figure,
                f"Probability of every option of {title}, an option a row; at "
                "the right, the likeliest at last.",
            )
    return section if section.items else None


def _costs(run):
    section = ReportSection("costs", "Cost against accuracy")
    labels = pictures.COST_LABELS
    costs = [(name, labels[name]) for name in ("parameters", "mult_adds")]
    if run.config.get("objective", {}).get("cost") == "latency":
        costs.append(("cost", labels["latency"]))
    for cost, label in costs:
        figure = pictures.against_cost(run, cost, label)
        if figure is not None:
            section.figure(figure, f"{label.capitalize()} of every child.")
    return section if section.items else None


def _work(run):
    section = ReportSection("work", "Workers and failures")
    section.figure(
        pictures.child_seconds(run),
        "How long children took; nasnet_tf.search.simulate predicts from it "
        "what more workers would do.",
    )
    busy: dict[int, float] = collections.defaultdict(float)
    count: collections.Counter[int] = collections.Counter()
    for record in run.trainings:
        busy[record.worker] += record.seconds
        count[record.worker] += 1
    section.table(
        ["worker", "trainings", "hours of training", "share of the time"],
        [
            [
                worker,
                f"{count[worker]:,}",
                f"{busy[worker] / 3600:,.2f}",
                f"{busy[worker] / run.elapsed:.1%}",
            ]
            for worker in sorted(count)
        ],
    )
    if run.failures:
        reasons = collections.Counter(
            re.split("[:;]", record.failure)[0] for record in run.failures
        )
        section.table(
            ["why children failed", "children"],
            [[reason, f"{n:,}"] for reason, n in reasons.most_common()],
            "They have the reward 0, and the search went on.",
        )
    return section


def _command(runs):
    words = ["python", "-m", "nasnet_tf.search.report"]
    words.append(f"--model_dir={runs[0].folder}")
    words += [f"--compare={run.folder}" for run in runs[1:]]
    return shlex.join(words)


def _commands(run):
    if not (run.folder / TRAINING_FILE).is_file():
        return []
    name = shlex.quote(found_file(run.folder).as_posix())
    return [
        (training_command(run.folder), "Train the cells that were found."),
        (f"python -m nasnet_tf.draw {name} --out=found.svg", "Draw them."),
    ]
