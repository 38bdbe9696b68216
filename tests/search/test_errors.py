"""Searches that cannot run as they are asked to."""

import json
import os
import threading

import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.config import SearchRuntimeConfig
from nasnet_tf.search.journal.records import (
    read_journal,
)
from nasnet_tf.search.workers.cluster import Presence, connect
from nasnet_tf.search.workers.deadlines import AwakeClock
from nasnet_tf.search.workers.supervision import VARIABLE
from tests.conftest import line_of
from tests.search.journal.test_records import no_room
from tests.search.runs import (
    run_search,
    small_search,
)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("space.operations=[]", r"space.operations: \[\] leaves nothing to"),
        ("space.operations=['conv_9x9']", "space.operations: 'conv_9x9' is "),
        ("budget.samples=25", "budget.samples: 25 is not a multiple of .* 24$"),
        (
            "objective.cost=parameters,objective.front=true,"
            "child.match=parameters",
            "objective.cost: 'parameters' with objective.front",
        ),
        ("budget.compare=[NASNET_X]", "budget.compare: .*NASNET_X"),
        (
            "budget.race=30",
            "budget.race: 30 .* again, and budget.samples are 24",
        ),
        ("budget.race=3,child.method=shared", "budget.race: 3 with child.meth"),
        (
            "child.match=parameters,child.method=shared",
            "child.match: 'parameters' with child.method 'shared'",
        ),
        ("objective.cost=latency", "objective.target: none given"),
        (
            "strategy.name=evolution,strategy.population=4",
            "strategy.tournament: 25 of a strategy.population of 4",
        ),
        ("recipe.steps=5", "recipe.epochs: 20.0 beside recipe.steps 5"),
    ],
)
def test_bad_configuration_is_one_line(tmp_path, override, line):
    with pytest.raises(InputError, match=line) as error:
        run_search(small_search(override), tmp_path / "new")
    line_of(error)
    assert not (tmp_path / "new").exists()


def test_folder_of_another_configuration_is_one_line(tmp_path):
    run_search(small_search(), tmp_path)
    for override, line in (
        ("runtime.seed=4", "runtime.seed: 0 in the .*, 4 now"),
        ("budget.round_size=4", "budget.round_size: 6 in the"),
        ("child.filters=8", "child.filters: 24 in the"),
    ):
        with pytest.raises(InputError, match=line) as error:
            run_search(small_search(override), tmp_path)
        assert "give another model_dir or the same" in line_of(error)
    result, trainer = run_search(
        small_search("runtime.max_restarts=1,budget.finalists=2"), tmp_path
    )
    assert result.complete and not trainer.trained


def test_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"model_dir: .*file") as error:
        run_search(small_search(), tmp_path / "file")
    line_of(error)


def test_worker_that_never_comes_up_is_named(tmp_path, monkeypatch):
    addresses = ["127.0.0.1:1", "10.0.0.7:2222", "127.0.0.1:3"]
    cluster = {"cluster": {"worker": addresses}}
    task = {"task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster | task))
    # Left by a worker that died; only worker 2 lives.
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "1").write_text("dead 000000000012\n")
    other = Presence(tmp_path, addresses, 2)
    with pytest.raises(InputError, match=r"did not come up") as error:
        run_search(small_search("runtime.start_timeout=2.5"), tmp_path)
    other.end()
    line = line_of(error)
    assert "worker 1 (10.0.0.7:2222) did not come up within 2.5 s" in line


def test_worker_that_the_cluster_lacks_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "TF_CONFIG",
        '{"cluster": {"worker": ["a:1", "b:1"]},'
        ' "task": {"type": "worker", "index": 2}}',
    )
    with pytest.raises(InputError, match=r"it names no worker 2") as error:
        run_search(small_search(), tmp_path)
    line_of(error)


def test_a_worker_has_one_thread_unless_told(monkeypatch):
    threads = []
    for name in ("intra", "inter"):
        monkeypatch.setattr(
            tf.config.threading,
            f"set_{name}_op_parallelism_threads",
            threads.append,
        )
    connect(SearchRuntimeConfig(), 1)
    connect(SearchRuntimeConfig(threads=3), 1)
    assert threads == [1, 1, 3, 3]


def test_threads_that_come_too_late_are_one_line():
    tf.constant(0.0) + 1.0
    connect(SearchRuntimeConfig(), 1)
    with pytest.raises(InputError, match=r"threads: 3 comes too late") as error:
        connect(SearchRuntimeConfig(threads=3), 1)
    line_of(error)


def test_a_port_that_was_taken_meanwhile_is_no_bad_input(monkeypatch):
    def taken():
        raise RuntimeError("could not start gRPC server")

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", taken)
    cluster = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
    task = {"type": "worker", "index": 0}
    text = json.dumps({"cluster": cluster, "task": task})
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="could not start gRPC"):
        connect(SearchRuntimeConfig(), 2)
    # A supervisor starts its workers again, with other ports.
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(JobError, match="could not start gRPC") as error:
        connect(SearchRuntimeConfig(), 2)
    line_of(error)


def test_presence_of_all(tmp_path):
    addresses = ["a:1", "b:1"]
    both = [Presence(tmp_path, addresses, index) for index in (0, 1)]
    waits = [
        threading.Thread(target=p.wait_for_all, args=(20, 60)) for p in both
    ]
    for wait in waits:
        wait.start()
    for wait in waits:
        wait.join(timeout=20)
        assert not wait.is_alive()
    for presence in both:
        presence.end()


@pytest.mark.parametrize(
    ("gone", "is_lost"), [([9.0] * 14, True), ([3600.0], False)]
)
def test_a_suspended_machine_has_not_lost_the_others(
    tmp_path, monkeypatch, capsys, gone, is_lost
):
    presence = Presence(tmp_path, ["a:1", "b:1"], 0)
    presence.end()
    now, codes = [0.0], []
    presence._clock = AwakeClock(lambda: now[0])
    monkeypatch.setattr(os, "_exit", codes.append)
    (tmp_path / "workers/1").write_text("token 000000000001 -")
    presence._look()
    for seconds in gone:
        now[0] += seconds
        presence._look()
        presence._end_if_one_is_lost(120.0)
    assert codes == ([1] if is_lost else [])
    assert ("worker 1 (b:1) gave no sign" in capsys.readouterr().err) == is_lost


def test_full_disk_in_the_middle_loses_no_record(tmp_path):
    config = small_search()
    whole, _ = run_search(config, tmp_path / "whole")
    journal = tmp_path / "parts" / "journal" / "worker_0.jsonl"
    with no_room(6_000), pytest.raises(InputError) as error:
        run_search(config, tmp_path / "parts")
    assert "make room and run the same command to go on" in line_of(error)
    kept = [record.child for record in read_journal(tmp_path / "parts")]
    assert 0 < len(kept) < 24
    assert journal.read_bytes().endswith(b"\n")
    last, trainer = run_search(config, tmp_path / "parts")
    assert len(trainer.trained) == 24 - len(kept)
    assert last.digest == whole.digest
