"""The report of a search, of runs that are made of a seed."""

import re
import subprocess
import sys

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.front import pareto_front
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.report.page import write_report
from nasnet_tf.search.report.pictures import (
    measured,
    progress,
)
from nasnet_tf.search.report.probabilities import (
    find_space,
    heat_maps,
    read_probabilities,
)
from nasnet_tf.search.report.verdict import paired_differences, told
from nasnet_tf.search.space.cell_space import make_cell_space
from tests.conftest import line_of
from tests.search.finished_searches import BEGUN, random_genotype, write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "rl")
    write_run(folder / "random", strategy="random", gain=0.0, seed=1)
    return folder / "rl", folder / "random"


def test_samples_count_repeats(runs):
    run = read_run(runs[0])
    assert len(run.records) == 6 * 18
    assert len(run.samples) == 120
    # The last two samples of a round repeat its first child.
    assert [record.child for record in run.samples[17:21]] == [17, 0, 0, 20]
    assert len(run.failures) == 3
    assert len(run.succeeded) == 6 * 18 - 3


def test_figure_6_holds_the_measures(runs):
    both = [read_run(folder) for folder in runs]
    axes = progress(both, ["rl", "random"]).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert len(lines) == 6 and {len(y) for y in lines.values()} == {120}
    for run, name in zip(both, ("rl", "random"), strict=True):
        rewards = sorted((r.reward for r in run.records), reverse=True)
        for count, label in (
            (1, ""),
            (5, "mean of the "),
            (25, "mean of the "),
        ):
            label = f"{name}: {label}best" + (f" {count}" if count > 1 else "")
            assert lines[label][-1] == pytest.approx(np.mean(rewards[:count]))
    assert lines["rl: best"][-1] > lines["random: best"][-1]


def test_means_of_few_samples_are_left_out(tmp_path):
    # 20 samples, two of which repeat the first.
    write_run(tmp_path, children=20, failed=0)
    run = read_run(tmp_path)
    found = measured(run)
    assert np.isnan(found[5][:4]).all() and not np.isnan(found[5][4:]).any()
    assert np.isnan(found[25]).all() and not np.isnan(found[1]).any()
    rewards = [record.reward for record in run.records]
    assert found[5][4] == pytest.approx(np.mean(rewards[:5]))
    assert found[5][-1] == pytest.approx(np.mean(sorted(rewards)[-5:]))
    axes = progress([run], ["rl"]).axes[0]
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["best", "mean of the best 5"]
    assert np.isfinite(axes.get_ylim()).all()
    row = f"<td>{max(rewards):.4f}</td><td>{found[5][-1]:.4f}</td><td>-</td>"
    assert row in write_report(tmp_path).read_text()


def test_pareto_front_by_hand():
    costs = np.array([3.0, 1.0, 2.0, 2.0, 4.0])
    accuracies = np.array([0.7, 0.5, 0.6, 0.4, 0.7])
    # The one of cost 4 is no better than that of cost 3.
    assert pareto_front(costs, accuracies) == [1, 2, 0]


def test_probabilities_over_time(runs):
    samples, decisions = read_probabilities(read_run(runs[0]))
    assert samples.tolist() == [20, 40, 60, 80, 100, 120]
    assert [part.shape for part in decisions] == [(6, 2)] * 2 + [(6, 6)] * 2
    assert decisions[2].sum(axis=1) == pytest.approx(1)
    # Two options of two decisions are no space of cells.
    assert find_space(read_run(runs[0]), [2, 2, 6, 6]) is None
    ((title, figure),) = heat_maps(samples, decisions)
    assert title == "all decisions"
    (image,) = figure.axes[0].images
    assert image.get_array().shape == (16, 6)
    assert np.array_equal(image.get_array()[4:10], decisions[2].T)


def test_heat_maps_of_a_space_of_cells(runs):
    space = make_cell_space("A")
    assert find_space(read_run(runs[0]), list(space.sizes)) == space
    parts = [np.full((3, size), 1 / size) for size in space.sizes]
    parts[2][-1] = np.eye(13)[10]
    maps = heat_maps(np.array([20, 40, 60]), parts, space)
    assert [title for title, _ in maps] == [
        "the normal cell",
        "the reduction cell",
    ]
    axes, last = maps[0][1].axes[:2]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == 25 and names[2] == "block 0 left operation"
    likeliest = [label.get_text() for label in last.get_yticklabels()]
    assert likeliest[2] == "separable conv 3x3 100%"


def test_report_is_one_page(runs):
    path = write_report(*runs[:1], compare=runs[1:])
    page = path.read_text()
    assert path == runs[0] / "report.html"
    run = read_run(runs[0])
    best = max(run.records, key=lambda record: record.reward)
    assert f"{best.reward:.4f}: the best of 108 children" in page
    assert f"child {best.child}." in page
    assert "<td>diverged</td><td>3</td>" in page
    assert page.count("<svg") == 7 and "rl: mean of the best 25" in page
    # Nothing is loaded from elsewhere.
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    # Black text would be lost on a dark page.
    assert not re.findall(r"fill: ?#000000", page)


def test_failures_are_listed_by_their_reasons(tmp_path):
    write_run(tmp_path, children=40, failed=0)
    reasons = [
        "took too long: more than 600 s, 12 times the median; 2 attempts "
        "ended so",
        "took too long: more than 700 s, 10 times the median; 2 attempts "
        "ended so",
        "out of memory; 2 attempts ended so",
        "out of memory: failed to allocate",
        "its process was killed; 2 attempts ended so",
    ]
    with (tmp_path / "journal/worker_0.jsonl").open("a") as file:
        for child, reason in enumerate(reasons, 100):
            record = ChildRecord(
                child,
                1,
                (child,),
                None,
                0.0,
                0.0,
                failure=reason,
                finished=BEGUN.isoformat(),
            )
            file.write(record.to_json() + "\n")
    page = write_report(tmp_path).read_text()
    for reason, count in (
        ("took too long", 2),
        ("out of memory", 2),
        ("its process was killed", 1),
    ):
        assert f"<td>{reason}</td><td>{count}</td>" in page


def test_report_of_a_search_without_genotypes_or_rounds(tmp_path):
    write_run(tmp_path / "run", children=40, failed=0)
    (tmp_path / "run/metrics.jsonl").unlink()
    journal = tmp_path / "run/journal/worker_0.jsonl"
    lines = [
        re.sub(r'"(genotype|parameters|mult_adds)": (\{.*?\]\}|\d+)', "", line)
        for line in journal.read_text().splitlines()
    ]
    # What is no record is left out.
    journal.write_text("\n".join(lines) + "\n")
    page = write_report(tmp_path / "run").read_text()
    assert "What the controller learned" not in page
    assert "Cost against accuracy" in page


def test_finalists_are_listed_and_drawn(tmp_path):
    folder = tmp_path / "run"
    write_run(folder, children=40)
    generator = np.random.default_rng(5)
    (folder / "finalists").mkdir()
    entries = []
    for rank in (1, 2):
        genotype = random_genotype(generator, name=f"finalist {rank}")
        genotype.save(folder / f"finalists/{rank}.json")
        entries.append(
            {
                "name": genotype.name,
                "file": f"finalists/{rank}.json",
                "accuracy": 0.9 - rank / 100,
                "accuracies": [0.9 - rank / 100] * 2,
                "test_accuracies": [0.8, 0.82],
                "search_accuracy": 0.7,
                "parameters": 12_345,
                "mult_adds": 2_000_000,
                "num_cells": 1,
                "filters": 8,
            }
        )
    other = {**entries[0], "name": "NASNET_A", "search_accuracy": None}
    finalists = {
        "finalists": entries,
        "compared": [other],
        "epochs": None,
        "steps": 1200,
        "seeds": 2,
    }
    import json

    (folder / "finalists.json").write_text(json.dumps(finalists))
    (paired,) = paired_differences(finalists)
    assert paired["of"] == "test_accuracy" and paired["mean"] == 0
    page = write_report(folder).read_text()
    assert "<td>NASNET_A, F = 8</td><td>+0.00</td>" in page
    scores = "<td>89.00% ± 0.00</td><td>81.00% ± 1.00</td>"
    assert f"<td>finalist 1</td>{scores}<td>70.00%</td>" in page
    assert f"<td>NASNET_A</td>{scores}<td>-</td>" in page
    assert "of 2 training(s) of 1,200 steps" in page
    assert page.count('src="data:image/svg+xml') == 2


def test_differences_are_paired():
    def entry(name, tested, accuracies=(0.6, 0.6, 0.6), failure=None):
        return {
            "name": name,
            "accuracies": list(accuracies),
            "test_accuracies": list(tested),
            "parameters": 100 if name == "best" else 80,
            "num_cells": 2 if name == "deeper" else 1,
            "filters": 8,
            "failure": failure,
        }

    best = entry("best", [0.52, 0.63, 0.56])
    others = [
        entry("a", [0.50, 0.60, 0.55]),
        entry("no split", [None] * 3, [0.61, 0.58, 0.6]),
        entry("failed", [0.1, 0.2, 0.3], failure="diverged"),
        entry("fewer seeds", [0.5, 0.6]),
        entry("deeper", [0.5, 0.6, 0.5]),
    ]
    found = paired_differences({"finalists": [best], "compared": others})
    assert [(f["name"], f["of"]) for f in found] == [
        ("a", "test_accuracy"),
        ("no split", "accuracy"),
    ]
    assert found[0]["differences"] == pytest.approx([0.02, 0.03, 0.01])
    # Of three differences that deviate by 0.01: t is 4.303.
    reach = 4.3027 * 0.01 / 3**0.5
    assert found[0]["interval"] == pytest.approx(
        [0.02 - reach, 0.02 + reach], rel=1e-4
    )
    assert found[0]["parameters"] == 1.25
    first, second = told({"finalists": [best], "compared": others[:2]})
    assert "+2.00 points (evaluation split; 95 % interval -0.48" in first
    assert first.endswith("no different")
    assert "the images that decided the ranking" in second
    # Of one finalist alone there was nothing to choose.
    ahead = entry("behind", [None] * 3, [0.5, 0.51, 0.5])
    for finalists, verdict in (
        ([best], "better"),
        ([best, best], "no verdict, the best was chosen by these images"),
    ):
        (line,) = told({"finalists": finalists, "compared": [ahead]})
        assert line.endswith(f": {verdict}")


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(InputError, match="holds no finished child"):
        write_report(tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "nasnet_tf.search.report"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "error: model_dir: missing" in run.stderr


def test_journal_that_lacks_children_is_one_line(tmp_path):
    write_run(tmp_path / "run", children=40)
    (tmp_path / "run/journal/worker_1.jsonl").unlink()
    with pytest.raises(
        InputError, match=r"lacks child \d+ of round 0"
    ) as error:
        read_run(tmp_path / "run")
    line_of(error)
