"""The supervisor, over workers that are a few lines of Python."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.journal.claims import Claims
from nasnet_tf.search.workers import deaths
from nasnet_tf.search.workers.deaths import crashed_workers
from nasnet_tf.search.workers.supervision import VARIABLE
from nasnet_tf.search.workers.supervisor import Supervisor, check_workers
from tests.commands import LIGHT
from tests.conftest import line_of, slow

START = """
import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
config = json.loads(os.environ.get("TF_CONFIG", "{}"))
index = config["task"]["index"] if config else 0
with (folder / "starts").open("a") as file:
    file.write(f"{index}\\n")
starts = (folder / "starts").read_text().split().count(str(index))

def finish_a_child():
    (folder / "journal").mkdir(exist_ok=True)
    with (folder / f"journal/worker_{index}.jsonl").open("a") as file:
        file.write("{}\\n")
"""


def supervisor(folder, program, workers=2, **arguments):
    arguments.setdefault("first_wait", 0.01)
    command = [sys.executable, "-c", START + textwrap.dedent(program)]
    return Supervisor([*command, str(folder)], workers, folder, **arguments)


def starts(folder):
    return sorted((folder / "starts").read_text().split())


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_of_a_cluster_end_well(tmp_path):
    program = """
    (folder / f"config_{index}").write_text(json.dumps(config))
    (folder / f"environment_{index}").write_text(json.dumps(dict(os.environ)))
    """
    assert supervisor(tmp_path, program, workers=3).run()
    assert starts(tmp_path) == ["0", "1", "2"]
    configs = [
        json.loads((tmp_path / f"config_{i}").read_text()) for i in range(3)
    ]
    addresses = configs[0]["cluster"]["worker"]
    assert len(set(addresses)) == 3
    for index, config in enumerate(configs):
        assert config["task"] == {"type": "worker", "index": index}
        assert config["cluster"] == {"worker": addresses}
    environment = json.loads((tmp_path / "environment_0").read_text())
    assert environment[VARIABLE] == str(os.getpid())


def test_one_worker_needs_no_cluster(tmp_path):
    assert supervisor(tmp_path, "assert not config", workers=1).run()


def test_all_start_again_when_one_dies(tmp_path, capsys):
    program = """
    if starts > 2:
        sys.exit(0)
    if index == 1:
        os.kill(os.getpid(), 9)
    time.sleep(60)
    """
    begun = time.monotonic()
    assert supervisor(tmp_path, program).run()
    assert time.monotonic() - begun < 20
    assert starts(tmp_path) == ["0", "0", "0", "1", "1", "1"]
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "worker 1 was killed by SIGKILL; starting all again in 0.01 s (1 of 5)",
        "worker 1 was killed by SIGKILL; starting all again in 0.02 s (2 of 5)",
    ]


def test_the_reason_is_of_the_worker_that_has_one(tmp_path, capsys):
    program = """
    if starts > 1:
        sys.exit(0)
    if index == 0:
        print("error: another worker stopped", file=sys.stderr)
        sys.exit(1)
    os.kill(os.getpid(), 11)
    """
    assert supervisor(tmp_path, program).run()
    assert "worker 1 was killed by SIGSEGV" in capsys.readouterr().out


# As `Claims.take` does, which takes seconds to import.
TRAINS = """
import signal
(folder / "claims").mkdir(exist_ok=True)
(folder / f"claims/{index}").write_text(f"{index}\\n")
if starts > 2:
    sys.exit(0)
"""


def test_a_crash_is_noted_at_the_child_that_was_trained(tmp_path, capsys):
    program = """
    if index == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)
    """
    assert supervisor(tmp_path, TRAINS + textwrap.dedent(program)).run()
    claims = Claims(tmp_path)
    assert claims.deaths(1) == ["killed by SIGSEGV"] * 2
    assert claims.deaths(0) == []
    assert "worker 1 trained child 1: killed by SIGSEGV" in (
        capsys.readouterr().out
    )


# As `Presence` does.
SHOWS = """
(folder / "workers").mkdir(exist_ok=True)
def show(times, child):
    for number in range(times):
        text = f"{os.getpid()} {number:012} {child}\\n"
        (folder / f"workers/{index}").write_text(text)
        time.sleep(0.2)
"""


@pytest.mark.parametrize(
    ("setting", "last", "reason"),
    [
        (
            "lost_after: 3",
            "os.kill(os.getpid(), signal.SIGSTOP)",
            "no sign of life for 3 s",
        ),
        ("child_timeout: 3", "pass", "took too long: more than 3 s"),
    ],
)
def test_a_worker_that_does_not_go_on_is_replaced(
    tmp_path, capsys, setting, last, reason
):
    (tmp_path / "config.yaml").write_text(f"runtime:\n  {setting}\n")
    program = f"""
    show(3, index)
    if index == 1:
        {last}
        show(500, 1)
    show(500, "-")
    """
    program = TRAINS + SHOWS + textwrap.dedent(program)
    assert supervisor(tmp_path, program).run()
    assert starts(tmp_path) == ["0", "0", "0", "1", "1", "1"]
    claims = Claims(tmp_path)
    assert claims.deaths(1) == [reason] * 2
    assert claims.deaths(0) == []
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        f"worker 1 trained child 1: {reason}; a child that 2 workers die of "
        "counts as failed",
        f"worker 1 was stopped: {reason}; starting all again in 0.01 s (1 of "
        "5)",
    ]


def test_a_process_that_was_killed_alone_is_noted(tmp_path):
    Claims(tmp_path).take(3, deaths.life_note())
    assert supervisor(tmp_path, "").run()
    assert Claims(tmp_path).deaths(3) == ["its process was killed"]


def test_kill_9_is_nobodys_fault(tmp_path):
    program = """
    if index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    """
    assert supervisor(tmp_path, TRAINS + textwrap.dedent(program)).run()
    assert [Claims(tmp_path).deaths(child) for child in (0, 1)] == [[], []]


def test_what_workers_died_of():
    kill, crash, abort = -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT
    assert crashed_workers({0: kill}, out_of_memory=False) == {}
    assert crashed_workers({0: kill, 2: 1}, True) == {0: "out of memory"}
    assert crashed_workers({1: crash}, False) == {1: "killed by SIGSEGV"}
    assert crashed_workers({1: abort}, False) == {1: "killed by SIGABRT"}
    # One of them may be the other's end.
    assert crashed_workers({0: abort, 1: abort}, False) == {}
    assert crashed_workers({0: 1, 1: -signal.SIGTERM}, False) == {}


def test_memory_kills_are_counted(tmp_path, monkeypatch):
    counters = tmp_path / "vmstat"
    monkeypatch.setattr(deaths, "_COUNTERS", counters)
    assert deaths.memory_kills() == 0
    counters.write_text("nr_free_pages 5\noom_kill 3\noom_kill_x 9\n")
    assert deaths.memory_kills() == 3


def test_limit_of_restarts_without_a_child(tmp_path):
    (tmp_path / "config.yaml").write_text("runtime:\n  max_restarts: 2\n")
    program = """
    (folder / "claims").mkdir(exist_ok=True)
    (folder / "claims" / "17").write_text("0\\n")
    print("error: digests differ", file=sys.stderr)
    sys.exit(1)
    """
    with pytest.raises(JobError) as error:
        supervisor(tmp_path, program, workers=1).run()
    assert line_of(error).startswith(
        "the workers died 3 times without finishing a child; at last worker 0 "
        "stopped: digests differ with child 17 under way; see "
    )
    assert starts(tmp_path) == ["0"] * 3


def test_finished_children_raise_the_limit(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("runtime:\n  max_restarts: 1\n")
    program = """
    if starts > 4:
        sys.exit(0)
    finish_a_child()
    sys.exit(1)
    """
    assert supervisor(tmp_path, program, workers=1).run()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.endswith("in 0.01 s (1 of 1)") for line in lines)


def test_bad_input_is_told_once_and_not_tried_again(tmp_path):
    program = """
    print("noise", file=sys.stderr)
    print("error: data.name: 'x' is unknown", file=sys.stderr)
    sys.exit(2)
    """
    with pytest.raises(InputError) as error:
        supervisor(tmp_path, program, workers=3).run()
    assert line_of(error) == "data.name: 'x' is unknown"
    # The others may be ended before they begin.
    assert len(set(starts(tmp_path))) == len(starts(tmp_path))


def test_second_command_in_a_folder_is_one_line(tmp_path):
    first = supervisor(tmp_path, "time.sleep(60)", workers=1)
    thread = threading.Thread(target=first.run)
    thread.start()
    give_up = time.monotonic() + 20
    while not (tmp_path / "starts").exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    with pytest.raises(InputError, match=r"another process trains") as error:
        supervisor(tmp_path, "").run()
    line_of(error)
    first.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"cannot be a folder") as error:
        supervisor(tmp_path / "file", "").run()
    line_of(error)


def supervised(folder, program):
    """A supervisor in a process of its own, and the pids of its workers."""
    command = [sys.executable, "-c", START + textwrap.dedent(program)]
    text = (
        "from nasnet_tf.search.workers.supervisor import Supervisor\n"
        f"print(Supervisor({[*command, str(folder)]!r}, 2, {str(folder)!r})"
        ".run())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", LIGHT + text],
        stdout=subprocess.PIPE,
        text=True,
    )
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        paths = list(folder.glob("pid_*"))
        if len(paths) == 2 and all(path.read_text() for path in paths):
            return process, [int(path.read_text()) for path in paths]
        time.sleep(0.05)
    raise AssertionError(process.communicate()[0])


SLEEPS = """
(folder / f"pid_{index}").write_text(str(os.getpid()))
time.sleep(100)
"""


def test_workers_die_with_a_killed_supervisor(tmp_path):
    process, workers = supervised(tmp_path, SLEEPS)
    assert all(map(alive, workers))
    process.kill()
    process.wait()
    give_up = time.monotonic() + 1
    while any(map(alive, workers)) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not any(map(alive, workers))
    process.stdout.close()
    # And with them the lock goes.
    assert supervisor(tmp_path, "", workers=1).run()


@pytest.mark.parametrize("number", [signal.SIGINT, slow(signal.SIGTERM)])
def test_interrupt_ends_the_workers(tmp_path, number):
    process, workers = supervised(tmp_path, SLEEPS)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert output == "False\n" and process.returncode == 0
    assert not any(map(alive, workers))


@pytest.mark.parametrize(
    ("workers", "environment", "line"),
    [
        (-1, {}, "workers: -1 is not a positive integer"),
        (2, {"TF_CONFIG": "{}"}, "workers: 2 with TF_CONFIG"),
        (3, {"CUDA_VISIBLE_DEVICES": "0,4"}, "workers: 3 on 2 GPU"),
    ],
)
def test_bad_number_of_workers(monkeypatch, workers, environment, line):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=line) as error:
        check_workers(workers)
    line_of(error)


def test_each_worker_has_its_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,4")
    check_workers(2)
    program = """
    device = os.environ["CUDA_VISIBLE_DEVICES"]
    (folder / f"device_{index}").write_text(device)
    """
    assert supervisor(tmp_path, program).run()
    devices = [(tmp_path / f"device_{i}").read_text() for i in (0, 1)]
    assert devices == ["0", "4"]
