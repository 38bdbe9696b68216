"""A child that hangs, or kills its process, fails alone and not the search."""

import collections
import signal
import subprocess
import sys
import time

import pytest

from nasnet_tf.checks.errors import JobError
from nasnet_tf.search.journal.claims import Claims
from nasnet_tf.search.journal.records import count_lines, read_journal
from nasnet_tf.search.workers import deadlines
from nasnet_tf.search.workers.child_thread import child_seed
from nasnet_tf.search.workers.deaths import life_note
from tests.conftest import line_of
from tests.search.kills import (
    environment,
    finish,
    lines_of_journal,
    start,
    workers_of,
)
from tests.search.runs import SMALL, StandInTrainer, run_search, small_search


class Hangs(StandInTrainer):
    """Sleeps at the children whose seed is one of these."""

    def __init__(self, seeds):
        super().__init__(seconds=0.01)
        self.seeds = seeds

    def train(self, genotype, seed):
        if seed in self.seeds:
            time.sleep(20)
        return super().train(genotype, seed)


def seed_of(record):
    return child_seed(0, record.decisions)


def test_a_child_that_hangs_fails_alone(tmp_path):
    whole, _ = run_search(small_search(), tmp_path / "whole")
    hanging = whole.records[8]
    config = small_search("runtime.child_timeout=0.4")
    trainer = Hangs({seed_of(hanging)})
    folder = tmp_path / "parts"
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(JobError, match="child 8 took too long") as error:
            run_search(config, folder, trainer)
        assert time.monotonic() - begun < 10
    assert "more than 0.4 s" in line_of(error)
    assert "the same command goes on" in line_of(error)
    result, _ = run_search(config, folder, trainer)
    assert result.complete
    assert collections.Counter(trainer.trained).most_common(1)[0][1] == 1
    failed = result.records[8]
    assert failed.failure.startswith("took too long: more than 0.4 s, ")
    assert failed.failure.endswith(" times the median; 2 attempts ended so")
    assert failed.reward == 0 and failed.attempt == 3
    # The random search's others are as they were.
    assert [r.reward for r in result.records if r.child != 8] == [
        r.reward for r in whole.records if r.child != 8
    ]


def test_another_timeout_goes_on(tmp_path):
    whole, _ = run_search(small_search(), tmp_path / "whole")
    trainer = Hangs({seed_of(whole.records[8])})
    with pytest.raises(JobError, match="child 8 took too long"):
        run_search(
            small_search("runtime.child_timeout=0.3"), tmp_path / "p", trainer
        )
    trainer = StandInTrainer(seconds=0.3)
    result, _ = run_search(
        small_search("runtime.child_timeout=60"), tmp_path / "p", trainer
    )
    assert result.digest == whole.digest
    assert result.records[8].reward == whole.records[8].reward


def test_slow_children_are_no_false_alarm(tmp_path, monkeypatch):
    """The first takes long, and later ones nine times the median."""
    monkeypatch.setattr(deadlines, "FLOOR", 0.1)
    monkeypatch.setattr(deadlines, "_EVERY", 0.0)

    class Slow(StandInTrainer):
        def train(self, genotype, seed):
            number = len(self.trained)
            time.sleep({0: 0.8, 12: 0.35}.get(number, 0.05))
            return super().train(genotype, seed)

    result, _ = run_search(small_search(), tmp_path, Slow())
    assert result.complete
    assert not any(record.failure for record in result.records)


def test_a_median_ends_a_child_without_a_setting(tmp_path, monkeypatch):
    monkeypatch.setattr(deadlines, "FLOOR", 0.5)
    monkeypatch.setattr(deadlines, "_EVERY", 0.0)
    whole, _ = run_search(small_search(), tmp_path / "whole")
    trainer = Hangs({seed_of(whole.records[8])})
    with pytest.raises(JobError, match=r"child 8 .* more than 0.5 s, .* times"):
        run_search(small_search(), tmp_path / "parts", trainer)


def test_a_stopped_search_blames_no_child(tmp_path):
    class Ends(StandInTrainer):
        def train(self, genotype, seed):
            if len(self.trained) == 3:
                raise KeyboardInterrupt
            return super().train(genotype, seed)

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run_search(small_search(), tmp_path, Ends())
    assert list((tmp_path / "claims").glob("*.deaths")) == []
    result, _ = run_search(small_search(), tmp_path)
    assert not any(record.failure for record in result.records)


def test_a_killed_process_is_noted_by_the_next(tmp_path):
    Claims(tmp_path).take(5, life_note())
    run_search(small_search(), tmp_path)
    assert Claims(tmp_path).deaths(5) == ["its process was killed"]
    (record,) = [r for r in read_journal(tmp_path) if r.child == 5]
    assert record.failure is None and record.attempt == 2


def alone(folder, divisor):
    """A search in a process of its own, which nobody supervises."""
    arguments = [f"{SMALL},budget.samples=18", str(folder), "0", str(divisor)]
    return subprocess.run(
        [sys.executable, "-m", "tests.search.runs", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_child_that_kills_its_process_fails_alone(tmp_path):
    codes = []
    while not codes or (codes[-1] and len(codes) < 9):
        process = alone(tmp_path, 13)
        codes.append(process.returncode)
    assert codes == [-signal.SIGSEGV, -signal.SIGSEGV, 0], process.stderr
    assert "its process was killed; one that this happens to 2 times" in (
        process.stdout
    )
    records = read_journal(tmp_path)
    assert len(records) == len(lines_of_journal(tmp_path)) == 18
    (failed,) = (r for r in records if r.failure)
    assert seed_of(failed) % 13 == 0 and failed.attempt == 3
    assert failed.failure == "its process was killed; 2 attempts ended so"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_worker_is_replaced(tmp_path, workers):
    override = f"{SMALL},budget.samples=18,runtime.lost_after=10"
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finish(start(override, whole, workers=workers, seconds=0.05))
    process = start(override, stopped, workers=workers, seconds=0.3)
    while count_lines(stopped) < 3:
        time.sleep(0.05)
    workers_of(process, workers)[-1].send_signal(signal.SIGSTOP)
    output = finish(process)
    last = workers - 1
    line = f"worker {last} was stopped: no sign of life for 10 s; starting"
    assert output.count(line) == output.count("was stopped: ") == 1, output
    records = read_journal(stopped)
    assert len(records) == len(lines_of_journal(stopped)) == 18
    assert not any(record.failure for record in records)
    assert [r.reward for r in records] == [
        r.reward for r in read_journal(whole)
    ]


@pytest.mark.slow
def test_a_child_that_hangs_its_workers_fails_alone(tmp_path):
    override = f"{SMALL},budget.samples=18,runtime.child_timeout=3"
    process = start(override, tmp_path, seconds=0.1, more=["13", "hang"])
    output = finish(process)
    # TensorFlow may crash as it ends, which starts all once more.
    assert output.count("was stopped: took too long") == 2, output
    records = read_journal(tmp_path)
    assert len(records) == len(lines_of_journal(tmp_path)) == 18
    (failed,) = (r for r in records if r.failure)
    assert seed_of(failed) % 13 == 0 and failed.attempt == 3
    assert failed.failure.startswith("took too long: more than 3 s")
    assert failed.failure.endswith("2 attempts ended so")
