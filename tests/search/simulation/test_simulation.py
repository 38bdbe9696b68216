"""The simulation of the search loop, against cases worked by hand."""

import csv
import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.simulation import page as simulation_page
from nasnet_tf.search.simulation import sweep
from nasnet_tf.search.simulation.cluster import (
    Cluster,
    draw_child_seconds,
    simulate,
    spread_child_seconds,
)
from tests.search.finished_searches import write_run


def test_two_workers_and_three_children_in_one_round():
    # Worker 0: 0-3; worker 1: 0-2 and 2-4.
    found = simulate(Cluster(2, round_size=3), [3, 2, 2])
    assert found.seconds == 4
    assert found.child_seconds == 7
    assert found.utilisation == 7 / 8
    # The last child is claimed at 2, when both workers were always busy.
    assert found.steady == 1
    assert found.staleness == 0


def test_a_round_waits_for_the_one_before_it():
    # Children 0-3 and 0-2, update 3-4, child 4-6, update 6-7.
    found = simulate(Cluster(2, round_size=2, update_seconds=1), [3, 2, 2])
    assert found.seconds == 7
    assert found.utilisation == 7 / 14
    assert found.steady == 5 / 8


def test_two_rounds_in_flight_do_not_wait():
    # Child 2 runs 2-4 on worker 1; updates 3-4 and 4-5.
    cluster = Cluster(2, 2, rounds_in_flight=2, update_seconds=1)
    found = simulate(cluster, [3, 2, 2])
    assert found.seconds == 5
    # Its round was proposed before the first update.
    assert found.staleness == pytest.approx(1 / 3)


def test_start_and_claims_take_time():
    # Ready at 10; 0.5 + 3, and 0.5 + 2 + 0.5 + 2.
    cluster = Cluster(2, 3, claim_seconds=0.5, start_seconds=10)
    assert simulate(cluster, [3, 2, 2]).seconds == 15


def test_staleness_in_steps_counts_the_own_update():
    # 100 children in minibatches of 20: 0 to 4 steps before them, 2 on mean.
    assert simulate(Cluster(3, 100), [1.0] * 500).staleness_steps == 2
    two = simulate(Cluster(3, 100, rounds_in_flight=2), [1.0] * 500)
    # The first of the five rounds is proposed from a fresh controller.
    assert two.staleness == pytest.approx(4 / 5)
    assert two.staleness_steps == pytest.approx(5 * 4 / 5 + 2)


def test_bounds():
    seconds = draw_child_seconds(spread_child_seconds(60, 0.4), 2_000)
    for workers in (1, 7, 100):
        for rounds in (1, 3):
            found = simulate(Cluster(workers, 50, rounds), seconds)
            assert found.utilisation <= 1 + 1e-9
            least = max(seconds.sum() / workers, seconds.max())
            assert found.seconds >= least * (1 - 1e-9)
            assert found.utilisation == pytest.approx(
                seconds.sum() / workers / found.seconds
            )
    # One worker is never idle.
    assert simulate(Cluster(1, 50), seconds).utilisation == pytest.approx(1)


def test_more_in_flight_keeps_workers_busy():
    seconds = draw_child_seconds(spread_child_seconds(8640, 0.3), 20_000)
    steady = [
        simulate(Cluster(450, *loop), seconds).steady
        for loop in ((500, 1), (500, 2), (500, 3), (1000, 2), (100, 15))
    ]
    assert steady[:2] == pytest.approx([0.43, 0.79], abs=0.02)
    assert min(steady[2:]) > 0.95


def test_failures_lose_only_what_was_in_training():
    seconds = [10.0] * 400
    cluster = Cluster(4, 20, start_seconds=5, failures_per_hour=20)
    found, again = (simulate(cluster, seconds, seed=3) for _ in range(2))
    assert found == again
    assert found.failures > 5
    assert 0 < found.lost <= 4 * found.failures
    assert found.child_seconds == 4000
    calm = dataclasses.replace(cluster, failures_per_hour=0.0)
    calm = simulate(calm, seconds)
    assert calm.seconds == 1005
    # A failure costs its start and at most one child's time.
    extra = found.seconds - calm.seconds
    assert 5 * found.failures <= extra <= 15 * found.failures
    other = simulate(cluster, seconds, seed=4)
    assert other.seconds != found.seconds


def test_spread_has_the_mean_and_deviation_asked_for():
    seconds = spread_child_seconds(60, 0.3)
    assert seconds.mean() == pytest.approx(60, rel=1e-3)
    assert seconds.std() == pytest.approx(18, rel=0.01)
    assert spread_child_seconds(60, 0).std() == 0


def test_bad_input():
    with pytest.raises(InputError, match="workers: 0 is not"):
        Cluster(0)
    with pytest.raises(InputError, match="update_seconds: -1"):
        Cluster(1, update_seconds=-1)
    with pytest.raises(InputError, match="child_seconds: empty"):
        simulate(Cluster(1), [])
    with pytest.raises(InputError, match="child_seconds: 0"):
        simulate(Cluster(1), [1, 0])


def test_sweep_tables_and_picture(tmp_path):
    rows = sweep.sweep([3.0, 2.0, 4.0], (1, 2), (10, 20), (1, 2), 200)
    assert len(rows) == 8
    one = [row for row in rows if row.cluster.workers == 1]
    assert {round(row.prediction.utilisation, 9) for row in one} == {1}
    best = sweep.freshest(rows, 2, target=0.9)
    stale = [
        row.prediction.staleness_steps
        for row in rows
        if row.cluster.workers == 2 and row.prediction.steady >= 0.9
    ]
    assert best.prediction.staleness_steps == min(stale)
    assert sweep.freshest(rows, 3) is None
    paths = sweep.write(rows, tmp_path / "out")
    with paths[1].open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["workers"]) for line in lines] == [1] * 4 + [2] * 4
    assert float(lines[0]["utilisation"]) == pytest.approx(1)
    table = paths[0].read_text().splitlines()
    assert len(table) == 10 and len({len(line) for line in table}) == 1
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert len(simulation_page.figure(rows, 0.95).axes) == 2


def test_a_run_beside_its_prediction(tmp_path):
    records = write_run(tmp_path / "run", children=80)
    run = read_run(tmp_path / "run")
    # The workers of this run never waited for a round.
    both = sweep.compare_with_run(tmp_path / "run")
    measured, predicted = both["seconds"]
    assert measured == pytest.approx(run.elapsed)
    assert run.elapsed >= sum(run.seconds) / 2
    assert predicted >= measured - 1e-6
    assert predicted < 1.2 * measured
    assert both["workers"] == 2 and both["children"] == len(records)


def test_elapsed_leaves_out_the_time_that_the_search_was_off(tmp_path):
    (tmp_path / "journal").mkdir()
    lines = [
        ChildRecord(child, 0, (child,), None, 0.5, 0.5, seconds=seconds)
        for child, seconds in enumerate((10, 10, 30))
    ]
    ends = ("12:00:10", "12:00:20", "20:00:30")
    text = "".join(
        dataclasses.replace(
            record, finished=f"2026-11-23T{end}+00:00"
        ).to_json()
        + "\n"
        for record, end in zip(lines, ends, strict=True)
    )
    # A line that a crash tore is no record.
    (tmp_path / "journal/worker_0.jsonl").write_text(text + '{"child": 3, "r')
    run = read_run(tmp_path)
    assert run.elapsed == 50
    assert np.array_equal(run.seconds, [10, 10, 30])


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "nasnet_tf.search.simulate", *arguments],
        capture_output=True,
        text=True,
    )


def test_command(tmp_path):
    run = _run(
        "--child_seconds=60",
        "--workers=1,2",
        "--round_sizes=20",
        "--rounds_in_flight=1,2",
        "--samples=100",
        "--start_seconds=0",
        "--target=0.99",
        f"--out={tmp_path / 'out'}",
    )
    assert run.returncode == 0, run.stderr
    assert "99% with 2 worker(s): rounds of 20, 2 in flight" in run.stdout
    assert (tmp_path / "out/simulation.csv").is_file()


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--child_seconds=a", "child_seconds: 'a' is not numbers"),
        ("--model_dir={}", "model_dir: {} holds no finished child"),
    ],
)
def test_bad_input_is_one_line(tmp_path, argument, line):
    run = _run(argument.format(tmp_path))
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith(
        f"error: {line.format(tmp_path)}"
    )


def test_failures_that_let_no_child_end_are_one_line():
    cluster = Cluster(450, 500, failures_per_hour=0.01)
    with pytest.raises(InputError, match=r"failures_per_hour: 0.01 of 450 "):
        simulate(cluster, np.full(500, 8640.0))
