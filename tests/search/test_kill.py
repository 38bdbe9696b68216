"""A search that is killed ends as if it had not been."""

import pytest

from nasnet_tf.search.journal.records import history, read_journal, read_rounds
from nasnet_tf.search.workers.child_thread import child_seed
from tests.search.kills import (
    digests,
    finish,
    left_of,
    lines_of_journal,
    run_with_kills,
    start,
)
from tests.search.runs import RL, SMALL, SURROGATE


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        f"{SURROGATE},budget.samples=24,budget.race=12",
        f"{RL},budget.samples=36,budget.rounds_in_flight=2",
    ],
    ids=["surrogate and race", "rl, two rounds in flight"],
)
def test_killed_while_it_trains_and_learns(tmp_path, settings):
    override = f"{SMALL},{settings}"
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(override, whole, seconds=0.05))
    lines = []
    trainings = len(lines_of_journal(whole))
    run_with_kills(override, killed, 3, 0, lines.append, trainings)
    print(*lines, sep="\n")
    assert len(lines) == 3 and "done before" not in lines[-1]
    assert digests(killed) == digests(whole)
    assert left_of(killed) == left_of(whole)
    assert len(lines_of_journal(killed)) == len(lines_of_journal(whole))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_agree_and_count_rewards_once(tmp_path, workers):
    # Every worker compares its digest and its rewards with the others' in
    # each round; a difference ends the search with an error.
    override = f"{SMALL},{RL},budget.samples=18"
    finish(start(override, tmp_path, workers=workers, seconds=0.1))
    samples = history(
        read_journal(tmp_path), read_rounds(tmp_path / "metrics.jsonl")
    )
    assert len(samples) == 18
    assert len(lines_of_journal(tmp_path)) == len({r.child for r in samples})
    assert {r.worker for r in samples} <= set(range(workers))


@pytest.mark.slow
def test_a_child_that_crashes_its_workers_fails_alone(tmp_path):
    divisor = 13
    override = f"{SMALL},budget.samples=18"
    output = finish(start(override, tmp_path, more=[str(divisor)]))
    records = read_journal(tmp_path)
    assert len(records) == len(lines_of_journal(tmp_path)) == 18
    (failed,) = (r for r in records if r.failure)
    assert child_seed(0, failed.decisions) % divisor == 0
    assert failed.failure == "killed by SIGSEGV; 2 attempts ended so"
    assert failed.reward == 0 and failed.attempt == 3
    assert output.count("starting all again") == 2
