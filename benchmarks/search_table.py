"""Search strategies on tables of trained architectures, NAS-Bench-201 and 301.

python benchmarks/search_table.py --table=cifar10.csv --out=search_table
python benchmarks/search_table.py --nas_bench_301=nas-bench-301 \
    --out=search_noise
python benchmarks/search_table.py --nas_bench_301=nas-bench-301 \
    --strategies=evolution_small,surrogate --race=60 --out=search_race

Writes `search_table.json` with all that was measured, `search_table.md` with
the table, and `search_table.svg`, Figure 6 of the paper for this table: best,
mean of the best 5 and mean of the best 25 unique architectures against samples.
The reward is the first score column over 100; the second is reported beside it,
for the same architectures. P values are of paired t-tests against random
search, or another that is named first, seed by seed. 50 seeds take some
minutes on two cores.

Of NAS-Bench-301 (see `nas_bench_301.py`) `search_noise.json` and `.md` have the
true accuracy of what a search recommends, by noise of its rewards, and with
short trainings at the cost of 30 full ones; `search_race.md` says what comes of
it where the last trainings are a race.
"""

import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from nasnet_tf.checks.arguments import check_choice, check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.pictures import figures
from nasnet_tf.search.report import measures
from nasnet_tf.search.space.table import load_table
from nasnet_tf.search.strategies.evolution import Evolution, EvolutionSettings
from nasnet_tf.search.strategies.random import RandomSearch
from nasnet_tf.search.strategies.reinforcement.settings import (
    SMALL_BUDGET,
    ControllerSettings,
)
from nasnet_tf.search.strategies.reinforcement.strategy import (
    ReinforcementLearning,
)
from nasnet_tf.search.strategies.surrogate.settings import SurrogateSettings
from nasnet_tf.search.strategies.surrogate.strategy import Surrogate
from nasnet_tf.terminal import command_line

RL = {"rl": SMALL_BUDGET, "rl_paper": ControllerSettings()}
EVOLUTION = {
    "evolution": EvolutionSettings(population=100, tournament=25),
    "evolution_small": EvolutionSettings(population=25, tournament=8),
}
SURROGATE = {"surrogate": SurrogateSettings()}
NAMES = ("random", *RL, *EVOLUTION, *SURROGATE)
# Of NAS-Bench-301: points of noise, samples at which it is looked, and the
# epochs that short trainings take of the cost of 30 full ones.
NOISES, BUDGETS = (0.0, 0.25, 0.5, 1.0), (100, 300)
SHORT, COST = (98, 12, 6), 30
LABELS = {1: "best", 5: "mean of top 5", 25: "mean of top 25"}
COLORS = (
    figures.INK,
    figures.BLUE,
    "#10b981",
    figures.ORANGE,
    "#a855f7",
    figures.RED,
)


def settings(name: str) -> dict:
    """What a strategy of this name is made with."""
    chosen = (RL | EVOLUTION | SURROGATE).get(name)
    return chosen.as_dict() if chosen else {}


def make(name, space):
    """The strategy of a name of `NAMES`."""
    check_choice("strategies", name, NAMES)
    if name in RL:
        return ReinforcementLearning(space, 0, RL[name])
    if name in EVOLUTION:
        return Evolution(space, 0, EVOLUTION[name])
    if name in SURROGATE:
        return Surrogate(space, 0, SURROGATE[name])
    return RandomSearch(space)


def search(strategy, table, column, seed, samples, round_size):
    """One search: the architectures in order, int32 `(samples, decisions)`."""
    strategy.restart(seed)
    rounds = []
    for start in range(0, samples, round_size):
        proposals = strategy.propose(min(round_size, samples - start))
        strategy.learn(proposals, table.score(column, proposals) / 100)
        rounds.append(proposals)
    return np.concatenate(rounds)


def measured(table, name, seeds, samples, round_size) -> dict:
    """Figure 6's curves of one strategy: column to count to `(seeds, n)`."""
    strategy = make(name, table.space)
    rewarded = next(iter(table.scores))
    results = {
        column: {count: [] for count in measures.COUNTS}
        for column in table.scores
    }
    start = time.perf_counter()
    unique = []
    for seed in seeds:
        found = search(strategy, table, rewarded, seed, samples, round_size)
        architectures = [tuple(row) for row in found.tolist()]
        unique.append(len(set(architectures)))
        scores = table.score(rewarded, found)
        for column, counts in results.items():
            others = table.score(column, found)
            curves = measures.curves(architectures, scores, others)
            for count, curve in curves.items():
                counts[count].append(curve)
    seconds = time.perf_counter() - start
    print(f"{name}: {seconds:.0f} s, {np.mean(unique):.0f} unique", flush=True)
    return {
        column: {count: np.array(curve) for count, curve in counts.items()}
        for column, counts in results.items()
    }


def table_rows(results, budgets) -> list[dict]:
    """A row for each column, count, budget and strategy."""
    from scipy.stats import ttest_rel

    names = list(results)
    rows = []
    for column in results[names[0]]:
        for count in measures.COUNTS:
            for budget in budgets:
                reference = results[names[0]][column][count][:, budget - 1]
                for name in names:
                    values = results[name][column][count][:, budget - 1]
                    same = name == names[0] or (values == reference).all()
                    p = None if same else ttest_rel(values, reference).pvalue
                    rows.append(
                        {
                            "column": column,
                            "measure": LABELS[count],
                            "samples": budget,
                            "strategy": name,
                            "mean": float(values.mean()),
                            "deviation": float(values.std(ddof=1)),
                            "difference": float((values - reference).mean()),
                            "p": None if p is None else float(p),
                        }
                    )
    return rows


def markdown(rows, names) -> str:
    """The rows as tables, one for each column of scores."""
    lines = []
    for column in dict.fromkeys(row["column"] for row in rows):
        lines += [f"`{column}`", ""]
        lines.append(f"| measure | samples | {' | '.join(names)} |")
        lines.append("|---|---" + "|---" * len(names) + "|")
        cells = {}
        for row in rows:
            if row["column"] == column:
                text = f"{row['mean']:.2f} ± {row['deviation']:.2f}"
                if row["p"] is not None:
                    text += f" (p {row['p']:.1g})"
                key = (row["measure"], row["samples"])
                cells.setdefault(key, []).append(text)
        for (measure, samples), texts in cells.items():
            lines.append(f"| {measure} | {samples} | {' | '.join(texts)} |")
        lines.append("")
    return "\n".join(lines)


def draw(curves, seeds, column):
    """Figure 6: mean and 95 % interval over the seeds of every measure.

    Args:
        curves: by strategy, then by count, `(seeds, samples)`.
        seeds: how many.
        column: what the scores are called.
    """
    figure, axes = figures.new_figure(9, 5)
    for color, (name, counts) in zip(COLORS, curves.items(), strict=False):
        for count, style in zip(counts, ("-", "--", ":"), strict=True):
            # Every fifth: all of them make a large file.
            curve = counts[count][:, ::5]
            mean = curve.mean(axis=0)
            error = 1.96 * curve.std(axis=0, ddof=1) / seeds**0.5
            samples = 1 + 5 * np.arange(len(mean))
            label = f"{name}, {LABELS[count]}"
            axes.plot(samples, mean, style, color=color, label=label, lw=1.2)
            axes.fill_between(
                samples, mean - error, mean + error, color=color, alpha=0.12
            )
    top = max(c[1].mean(axis=0).max() for c in curves.values())
    axes.set_ylim(top - 6, top + 0.3)
    axes.set_xlabel("architectures sampled")
    axes.set_ylabel(f"{column} (%)")
    axes.legend(frameon=False, fontsize=7, ncols=len(curves))
    return figure


def compare(
    table_path, out, names=NAMES, seeds=range(50), samples=1000, round_size=20
) -> list[dict]:
    """Runs all searches and writes the results.

    Args:
        table_path: see `load_table`.
        out: folder of the three files.
        names: of `NAMES`; all are compared with the first.
        seeds: of the searches, two or more.
        samples: of a search.
        round_size: architectures that are proposed at once.

    Returns:
        The rows of the table.

    Raises:
        InputError: an argument cannot be used.
    """
    for name in names:
        check_choice("strategies", name, NAMES)
    check_integer("seeds", len(seeds), least=2)
    check_integer("samples", samples)
    check_integer("round_size", round_size)
    if not names:
        raise InputError(f"strategies: none; name some of {', '.join(NAMES)}")
    table = load_table(table_path)
    out = make_folder(out)
    results = {
        name: measured(table, name, seeds, samples, round_size)
        for name in names
    }
    budgets = [n for n in (100, 200, 300, 1000) if n < samples] + [samples]
    rows = table_rows(results, budgets)
    page = markdown(rows, names)
    column = next(iter(table.scores))
    raw = {
        "seeds": list(seeds),
        "round_size": round_size,
        "settings": {name: settings(name) for name in names},
        "optimum": {c: float(v.max()) for c, v in table.scores.items()},
        "rows": rows,
        "at_budgets": {
            name: {
                c: {
                    LABELS[count]: {
                        budget: curve[:, budget - 1].tolist()
                        for budget in budgets
                    }
                    for count, curve in counts.items()
                }
                for c, counts in columns.items()
            }
            for name, columns in results.items()
        },
    }
    curves = {name: columns[column] for name, columns in results.items()}
    svg = figures.to_svg(draw(curves, len(seeds), column))
    for suffix, text in (
        ("json", json.dumps(raw, indent=2)),
        ("md", page),
        ("svg", svg),
    ):
        with written_beside(out / f"search_table.{suffix}") as beside:
            pathlib.Path(beside).write_text(text, encoding="utf-8")
    print(page)
    return rows


def compare_with_noise(folder, out, names, seeds) -> list[dict]:
    """Runs all searches of NAS-Bench-301 and writes the results.

    Args:
        folder: see `NasBench301`.
        out: folder of the two files.
        names: of `NAMES`; all are compared with the first.
        seeds: of the searches, two or more.

    Returns:
        The rows of the table.
    """
    # It lies beside this script.
    import nas_bench_301

    for name in names:
        check_choice("strategies", name, NAMES)
    bench = nas_bench_301.NasBench301(folder)
    out = make_folder(out)
    full = nas_bench_301.FULL
    tasks = [(f"noise {noise:g}", noise, full, BUDGETS) for noise in NOISES]
    for epochs in SHORT:
        samples = COST * full // epochs // 10 * 10
        title = f"{epochs} epochs, the cost of {COST} full trainings"
        tasks.append((title, 0.0, epochs, (samples,)))
    # Rounds of 10: the fewest samples are no multiple of 20.
    names = [*names[1:], names[0]]
    rows = nas_bench_301.compare(bench, make, names, seeds, tasks, 10)
    page = nas_bench_301.markdown(rows, names)
    raw = {"seeds": list(seeds), "rows": rows}
    for suffix, text in (("json", json.dumps(raw, indent=2)), ("md", page)):
        with written_beside(out / f"search_noise.{suffix}") as beside:
            pathlib.Path(beside).write_text(text, encoding="utf-8")
    print(page)
    return rows


def compare_races(folder, out, names, seeds, race) -> str:
    """What a race brings on NAS-Bench-301; see `nas_bench_301.compare_races`.

    Args:
        folder: see `NasBench301`.
        out: folder of the file.
        names: of `NAMES`.
        seeds: of the searches.
        race: trainings of it.
    """
    # It lies beside this script.
    import nas_bench_301

    for name in names:
        check_choice("strategies", name, NAMES)
    samples = max(BUDGETS)
    if samples <= race or race % 10:
        raise InputError(
            f"race: {race} of {samples} samples; give fewer, in tens"
        )
    bench = nas_bench_301.NasBench301(folder)
    noises = [noise for noise in NOISES if noise]
    page = nas_bench_301.compare_races(
        bench, make, names, seeds, noises, samples, race
    )
    with written_beside(make_folder(out) / "search_race.md") as beside:
        pathlib.Path(beside).write_text(page, encoding="utf-8")
    return page


def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    check_integer("first_seed", values.first_seed, least=0)
    if not values.table and not values.nas_bench_301:
        raise InputError("table: missing; give it, or --nas_bench_301")
    seeds = range(values.first_seed, values.first_seed + values.seeds)
    if values.race:
        compare_races(
            values.nas_bench_301,
            values.out,
            values.strategies,
            seeds,
            values.race,
        )
    elif values.nas_bench_301:
        compare_with_noise(
            values.nas_bench_301, values.out, values.strategies, seeds
        )
    if values.table:
        compare(
            values.table,
            values.out,
            values.strategies,
            seeds,
            values.samples,
            values.round_size,
        )


if __name__ == "__main__":
    flags.DEFINE_string("table", None, "The CSV file.")
    flags.DEFINE_string(
        "nas_bench_301", None, "Folder of surrogate.onnx and encoding.json."
    )
    flags.DEFINE_string("out", None, "Folder of the results.", required=True)
    flags.DEFINE_list(
        "strategies", list(NAMES), "What is compared with the first."
    )
    flags.DEFINE_integer("seeds", 50, "Searches of each strategy.")
    flags.DEFINE_integer("first_seed", 0, "Of the searches.")
    flags.DEFINE_integer("samples", 1000, "Samples of a search.")
    flags.DEFINE_integer(
        "race", 0, "Of NAS-Bench-301: so many of the trainings are a race."
    )
    flags.DEFINE_integer("round_size", 20, "Samples proposed at once.")
    command_line.run(main)
