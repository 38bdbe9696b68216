"""`python -m nasnet_tf.search.run`, as a user runs it."""

import os
import pathlib
import subprocess
import sys

import pytest

import nasnet_tf
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.files import list_configs
from nasnet_tf.search import run
from nasnet_tf.search.config_checks import FOLDER, check_search_config
from nasnet_tf.search.config_checks import read_search_config as read
from nasnet_tf.search.journal.records import (
    ChildRecord,
    read_journal,
    read_rounds,
)
from nasnet_tf.search.loop import SearchResult
from nasnet_tf.search.workers import child_thread
from tests.commands import run_command
from tests.search.runs import SMALL
from tests.worker_processes import run_workers

TINY = (
    f"{SMALL},child.num_cells=1,child.filters=2,child.stem_multiplier=1,"
    "child.preprocessing=scale,child.method=built,recipe.epochs=null,"
    "recipe.steps=1,budget.samples=4,budget.round_size=2,"
    "space.operations=['identity']"
)


RECORD = ChildRecord(0, 0, (0,), None, 0.5, 0.5)


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "nasnet_tf.search.run", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(pathlib.Path.cwd()), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def error_line(process):
    """The one line of a command that met bad input."""
    assert process.returncode == 2, process.stderr
    (line,) = process.stderr.splitlines()
    assert process.stdout == ""
    return line.removeprefix("error: ")


@pytest.mark.parametrize("name", list_configs(FOLDER))
def test_every_configuration_is_whole(name):
    check_search_config(read([name]))


def test_defaults_are_the_paper(tmp_path):
    paper = read(["cifar10_paper"])
    assert paper.budget.samples == 20_000 and paper.child.num_cells == 2
    # But for what keeps many workers busy, the file says what the defaults are.
    ours = read()
    ours.budget.round_size, ours.budget.rounds_in_flight = 100, 10
    assert paper.as_dict() == ours.as_dict()


def test_commands_can_say_what_is_missing():
    """A plain installation lacks Model Garden."""
    names = ("run", "finalists", "simulate", "report.__main__")
    modules = "".join(f"import nasnet_tf.search.{name}\n" for name in names)
    program = "import sys\nsys.modules['official'] = None\n" + modules
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr


def test_an_error_does_not_wait_for_the_child_that_is_trained(
    tmp_path, monkeypatch, capsys
):
    def search(config, model_dir):
        raise InputError("model_dir: full")

    def leave(code):
        raise SystemExit(f"left with {code}")

    monkeypatch.setattr("nasnet_tf.search.loop.search", search)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(InputError):
        run._search(None, tmp_path)
    monkeypatch.setattr(child_thread, "is_training", lambda: True)
    with pytest.raises(SystemExit, match="left with 2"):
        run._search(None, tmp_path)
    assert capsys.readouterr().err == "error: model_dir: full\n"


def test_missing_model_dir_is_one_line():
    line = error_line(command("--config_file=digits"))
    assert line == "model_dir: missing; give --model_dir=FOLDER"


def test_workers_beside_a_cluster_is_one_line(tmp_path):
    line = error_line(
        command(
            "--config_file=digits",
            f"--model_dir={tmp_path}",
            "--workers=2",
            TF_CONFIG="{}",
        )
    )
    assert line.startswith("workers: 2 with TF_CONFIG")


@pytest.mark.parametrize(
    ("more", "count"), [([], 2), (["--finalist_workers=3"], 3)]
)
def test_finalists_have_the_processes_of_the_search(
    tmp_path, monkeypatch, more, count
):
    commands, found = [], SearchResult(RECORD, [RECORD], 4, True, "")
    monkeypatch.setattr(run, "_become", commands.append)
    monkeypatch.setattr(run.Supervisor, "run", lambda self: True)
    monkeypatch.setattr(
        "nasnet_tf.search.loop.search", lambda config, model_dir: found
    )
    arguments = ["--config_file=digits", f"--model_dir={tmp_path}", *more]
    module = "nasnet_tf.search.run"
    run_command(module, *arguments, "--workers=2", "--finalists=5")
    (after,) = commands
    told = after[-2:] if not more else [*after[-1:], *more]
    assert told == ["--workers=0", f"--finalist_workers={count}"]
    # Which then begins the finalists, as it was told.
    run_command(module, *arguments, *told, "--finalists=5")
    assert commands[1][-2:] == ["--finalists=5", f"--workers={count}"]


@pytest.mark.slow
def test_bad_configuration_is_one_line_also_of_two_workers(tmp_path):
    arguments = [
        "--config_file=digits",
        "--params_override=space.operations=[]",
        f"--model_dir={tmp_path}/new",
    ]
    for more in ([], ["--workers=2"]):
        line = error_line(command(*arguments, *more))
        assert line.startswith("space.operations: [] leaves nothing to search")


@pytest.mark.slow
def test_two_workers_search_and_finish(tmp_path):
    arguments = [f"--params_override={TINY}", f"--model_dir={tmp_path}"]
    process = command(*arguments, "--workers=2")
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == ""
    rounds = read_rounds(tmp_path / "metrics.jsonl")
    records = read_journal(tmp_path)
    assert [line["samples"] for line in rounds] == [2, 4]
    assert {record.failure for record in records} == {None}
    assert all(0 <= record.accuracy <= 1 for record in records)
    genotype = nasnet_tf.get_genotype(str(tmp_path / "best.json"))
    assert genotype.to_dict() in [record.genotype for record in records]
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "done: 4 samples" in process.stdout
    assert f"--config_file={tmp_path}/train.yaml" in process.stdout
    assert (tmp_path / "train.yaml").is_file()
    # The same again only finishes.
    journal = [record.finished for record in records]
    process = command(*arguments)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "going on: 2 of 2 rounds" in process.stdout
    assert [record.finished for record in read_journal(tmp_path)] == journal


@pytest.mark.slow
def test_cluster_of_environment(tmp_path):
    command = ["-m", "tests.search.runs", SMALL, str(tmp_path / "run"), "0.1"]
    outputs = run_workers(command, 2, tmp_path / "logs")
    digests = [output.splitlines()[-1] for output in outputs]
    assert digests[0] == digests[1] and digests[0].startswith("digest ")
    assert {record.worker for record in read_journal(tmp_path / "run")} == {
        0,
        1,
    }
