"""The export command: its output, its exit codes and its flags."""

import os
import pathlib
import subprocess
import sys
import types

import pytest

from export import run as command
from nasnet_tf.checks.errors import InputError
from tests.commands import run_command
from tests.conftest import line_of
from tests.export.digits_exports import photos

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "export.run", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "trained.keras"
    trained.save(path)
    return path


def test_command(saved, tmp_path):
    done = run(
        f"--model={saved}",
        "--format=litert",
        "--quantize=int8",
        "--out=a b",
        "--preprocessing=scale",
        "--params_override=data.source=digits",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in (
        "load the model",
        "compare with Keras",
        "wrote\n  a b/model.tflite",
        "parity: on digits, split test: 360 images the largest",
        "top-1: ",
    ):
        assert text in done.stdout
    card = (tmp_path / "a b" / "model_card.md").read_text()
    assert "python -m export.run --model=" in card
    assert "'--out=a b' --preprocessing=scale" in card


def test_command_whose_parity_fails_exits_with_1(saved, tmp_path, monkeypatch):
    photos(tmp_path / "dark", darkened=0.05)
    monkeypatch.chdir(tmp_path)
    done = run_command(
        "export.run",
        f"--model={saved}",
        "--format=litert",
        "--quantize=int8",
        "--out=out",
        "--preprocessing=scale",
        "--params_override=data.source=digits",
        "--calibration=dark",
        "--calibration_images=100",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: parity: error ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["dark"]


@pytest.mark.parametrize(
    "arguments, values, line",
    [
        (["x"], {}, "arguments: 'x' is no flag; --help lists the flags"),
        ([], {"model": None}, "model: missing; give a .keras file"),
        ([], {"format": None}, "format: missing; give one of saved_model, li"),
        (
            [],
            {"image_size": "big"},
            "image_size: 'big' is neither pixels, such as 224, nor HEIGHTxWI",
        ),
        ([], {"image_size": "1x2x3"}, "image_size: '1x2x3' is neither"),
    ],
)
def test_command_with_bad_flags(monkeypatch, arguments, values, line):
    values = {"model": "a", "format": "onnx", "image_size": None, **values}
    flags = types.SimpleNamespace(FLAGS=types.SimpleNamespace(**values))
    monkeypatch.setattr(command, "flags", flags)
    with pytest.raises(InputError) as error:
        command.main(arguments)
    assert line_of(error).startswith(line)
