"""The files of a search: whole lines, whole checkpoints, one claim a child."""

import contextlib
import json
import math
import resource

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.claims import Claims
from nasnet_tf.search.journal.records import (
    ChildRecord,
    Journal,
    history,
    read_journal,
    read_rounds,
)
from nasnet_tf.search.journal.state import (
    SearchState,
    checkpoints,
    restore_state,
    save_state,
)
from tests.conftest import line_of


@contextlib.contextmanager
def no_room(size):
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def record(child, **values):
    values = {"reward": child / 10, "accuracy": child / 10, **values}
    return ChildRecord(
        child=child,
        round=child // 4,
        decisions=(child, 7),
        genotype=None,
        **values,
    )


def state(rounds):
    return SearchState(
        rounds,
        proposals=np.full((1, 2, 3), rounds),
        children=np.arange(rounds),
        strategy={"lstm/kernel": np.full((2, 2), rounds / 7)},
    )


def test_journal_is_read_as_written(tmp_path):
    first = Journal(tmp_path, 0)
    second = Journal(tmp_path, 1)
    curve = [{"step": 3, "loss": math.nan, "accuracy": 0.25}]
    written = [
        record(1, reward=1 / 3, curve=curve, failure="diverged"),
        record(0, cost=2.5, parameters=12, seconds=0.5, worker=1),
    ]
    first.append(written[0])
    assert second.get((1, 7)) is None
    second.append(written[1])
    read = second.get((1, 7))
    assert read.reward == 1 / 3 and read.failure == "diverged"
    assert read.curve == [{"step": 3, "loss": None, "accuracy": 0.25}]
    assert [r.child for r in second.records()] == [0, 1]
    assert second.get((0, 7)) == written[1]
    assert read_journal(tmp_path) == second.records()


def test_torn_line_is_no_record_and_goes_at_the_next_start(tmp_path):
    journal = Journal(tmp_path, 0)
    for child in range(2):
        journal.append(record(child))
    path = tmp_path / "journal" / "worker_0.jsonl"
    whole = path.read_bytes()
    torn = record(2).to_json()
    path.write_bytes(whole + torn[:-5].encode())
    other = Journal(tmp_path, 1)
    assert len(other.records()) == 2
    again = Journal(tmp_path, 0)
    assert path.read_bytes() == whole
    again.append(record(3))
    other.refresh()
    assert [r.child for r in other.records()] == [0, 1, 3]


def test_line_that_is_no_record_is_passed_over(tmp_path):
    journal = Journal(tmp_path, 0)
    path = tmp_path / "journal" / "worker_0.jsonl"
    path.write_text('\0\0\0\n{"child": 1}\n[]\n' + record(5).to_json() + "\n")
    journal.refresh()
    assert [r.child for r in journal.records()] == [5]


def test_full_disk_is_one_line_and_keeps_earlier_records(tmp_path):
    journal = Journal(tmp_path, 0)
    journal.append(record(0))
    path = tmp_path / "journal" / "worker_0.jsonl"
    whole = path.read_bytes()
    with (
        no_room(len(whole) + 20),
        pytest.raises(InputError, match=r"worker_0.jsonl cannot be") as error,
    ):
        journal.append(record(1))
    assert "make room and run the same command" in line_of(error)
    assert path.read_bytes() == whole
    journal.append(record(1))
    assert len(read_journal(tmp_path)) == 2


def test_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "journal").write_text("mine")
    with pytest.raises(InputError, match=r"model_dir: .*journal") as error:
        Journal(tmp_path, 0)
    line_of(error)


def test_history_counts_repeats(tmp_path):
    rounds = tmp_path / "metrics.jsonl"
    lines = [
        {"round": 0, "children": [0, 1, 0]},
        {"round": 1, "children": [3, 1, 5]},
    ]
    # The second was logged, not saved, and logged again.
    again = [*lines, lines[1]]
    rounds.write_text("".join(json.dumps(line) + "\n" for line in again))
    records = [record(child) for child in (5, 3, 1, 0)]
    samples = history(records, read_rounds(rounds))
    assert [r.reward for r in samples] == [0.0, 0.1, 0.0, 0.3, 0.1, 0.5]


def test_one_worker_gets_a_claim(tmp_path):
    workers = [Claims(tmp_path, number) for number in range(3)]
    taken = [[w.take(child) for w in workers] for child in range(2)]
    assert taken == [[1, None, None], [1, None, None]]
    assert workers[2].under_way(finished={0}) == [1]


def test_sweep_frees_and_counts_the_attempts(tmp_path):
    claims = Claims(tmp_path)
    for attempt in (1, 2, 3):
        assert claims.take(4) == attempt
        claims.sweep(finished=set())
    claims.take(4)
    claims.take(5)
    claims.sweep(finished={4})
    assert claims.take(5) == 2
    assert claims.under_way(set()) == [5]


def test_deaths_are_of_the_child_that_the_worker_trained(tmp_path):
    claims = [Claims(tmp_path, worker) for worker in range(3)]
    # Worker 1 has finished 3 and trains 7; worker 2 trains 8.
    for worker, child in ((1, 3), (1, 7), (2, 8)):
        claims[worker].take(child)
    assert claims[0].blame(1, "killed by SIGSEGV", finished={3}) == 7
    assert claims[0].blame(0, "out of memory", finished={3}) is None
    claims[0].sweep(finished={3})
    # Freed: what is not trained cannot be blamed.
    assert claims[0].blame(1, "out of memory", finished={3}) is None
    assert claims[2].take(7) == 2
    assert claims[0].blame(2, "out of memory", finished={3}) == 7
    assert claims[1].deaths(7) == ["killed by SIGSEGV", "out of memory"]
    assert claims[1].deaths(8) == []


def test_checkpoint_is_restored_whole(tmp_path):
    assert restore_state(tmp_path) is None
    for rounds in range(1, 6):
        save_state(tmp_path, state(rounds))
    names = [path.name for path in checkpoints(tmp_path)]
    assert names == [f"round_{number:05}.npz" for number in (3, 4, 5)]
    restored = restore_state(tmp_path)
    assert restored.rounds == 5
    np.testing.assert_array_equal(restored.proposals, np.full((1, 2, 3), 5))
    np.testing.assert_array_equal(restored.children, range(5))
    np.testing.assert_array_equal(
        restored.strategy["lstm/kernel"], np.full((2, 2), 5 / 7)
    )


def flipped(content):
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes([content[middle] ^ 255])
        + content[middle + 1 :]
    )


@pytest.mark.parametrize(
    "damage",
    [lambda c: b"", lambda c: c[:100], lambda c: b"x" * len(c), flipped],
    ids=["empty", "cut", "other", "flipped"],
)
def test_damaged_checkpoint_is_passed_over(tmp_path, damage):
    for rounds in (1, 2):
        save_state(tmp_path, state(rounds))
    newest = checkpoints(tmp_path)[-1]
    newest.write_bytes(damage(newest.read_bytes()))
    assert restore_state(tmp_path).rounds == 1


def test_full_disk_keeps_the_last_checkpoint(tmp_path):
    save_state(tmp_path, state(1))
    with (
        no_room(64),
        pytest.raises(InputError, match=r"round_00002.npz cannot be") as error,
    ):
        save_state(tmp_path, state(2))
    assert "make room" in line_of(error)
    assert restore_state(tmp_path).rounds == 1
    assert len(list((tmp_path / "controller").iterdir())) == 1
