"""`python -m nasnet_tf.train` and its errors, as a user meets them."""

import os
import pathlib
import subprocess
import sys

import pytest

from nasnet_tf.configuration.files import save_config
from tests.commands import run_command
from tests.training.jobs import small_job

ROOT = pathlib.Path(__file__).parents[2]


def train(*arguments):
    """In a process of its own."""
    command = [sys.executable, "-m", "nasnet_tf.train", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "model_dir: missing"),
        (["--model_dir=x"], "config_file: missing"),
        (["digits", "--model_dir=x"], "'digits' is no flag"),
        (["--model_dir=x", "--config_file=digts"], "did you mean 'digits'?"),
        (
            [
                "--model_dir=x",
                "--config_file=digits",
                "--params_override=recipe.learning_rat=1",
            ],
            "did you mean 'recipe.learning_rate'?",
        ),
        (
            [
                "--model_dir=x",
                "--config_file=digits",
                "--params_override=recipe.epochs=abc",
            ],
            "recipe.epochs: 'abc'",
        ),
        (
            ["--model_dir=x", "--config_file=digits", "--mode=trian"],
            "mode",
        ),
        (
            ["--model_dir=~no-such-user/x", "--config_file=digits"],
            "model_dir: ~no-such-user/x begins with a home folder",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said, tmp_path):
    output = run_command(
        "nasnet_tf.train",
        *(a.replace("=x", f"={tmp_path}/x") for a in arguments),
    )
    assert output.returncode == 2
    assert output.stdout == ""
    assert output.stderr.startswith("error: ")
    assert output.stderr.count("\n") == 1
    assert said in output.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_data_set_is_one_line_and_writes_nothing(tmp_path):
    output = run_command(
        "nasnet_tf.train",
        "--config_file=cifar10_small",
        f"--params_override=data.data_dir={tmp_path}",
        f"--model_dir={tmp_path}/job",
    )
    assert output.returncode == 2
    [line] = output.stderr.splitlines()
    assert line.startswith("error: data.data_dir: ")
    assert "tfds build cifar10" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_diverging_job_is_one_line_and_exit_1(tmp_path):
    config = small_job(tmp_path, "recipe.learning_rate=1e30")
    save_config(config, tmp_path / "job.yaml")
    output = train(
        f"--config_file={tmp_path / 'job.yaml'}",
        f"--model_dir={tmp_path / 'job'}",
    )
    assert output.returncode == 1
    errors = [
        line
        for line in output.stderr.splitlines()
        if line.startswith("error: ")
    ]
    assert len(errors) == 1 and "at step" in errors[0]
    assert "Traceback" not in output.stderr
