"""The quickstart's stages: their errors, their page, what they write."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError
from nasnet_tf.data import digits
from nasnet_tf.pictures import figures
from nasnet_tf.quickstart import __main__ as command
from nasnet_tf.quickstart import page, stages
from nasnet_tf.quickstart.context import Context
from tests.conftest import line_of


@pytest.fixture(scope="module")
def data():
    return digits.load()


def test_a_page_is_cut_into_what_was_pasted():
    images = np.random.default_rng(0).integers(
        0, 200, (6, 32, 32, 3), dtype="uint8"
    )
    pasted = page.paste_page(images, columns=3)
    assert pasted.shape == (80, 120, 3)
    np.testing.assert_array_equal(pasted[44:76, 84:116], images[5])
    assert (pasted == 255).sum() == (80 * 120 - 6 * 32 * 32) * 3
    np.testing.assert_array_equal(page.cut_page(pasted, 2, 3), images)


def test_a_stage_brings_what_it_needs():
    assert stages.with_needs(["cells", "saving"]) == [
        "digits",
        "training",
        "evaluation",
        "saving",
        "cells",
    ]
    with pytest.raises(InputError) as error:
        stages.with_needs(["pages"])
    assert "stages: 'pages' is unknown; did you mean 'page'?" in line_of(error)
    with pytest.raises(InputError) as error:
        stages.with_needs([])
    assert "stages: none given" in line_of(error)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"epochs": 0}, "epochs: 0 is not an integer of 1 or more"),
        ({"seed": -1}, "seed: -1 is not an integer from 0"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, arguments, line):
    with pytest.raises(InputError) as error:
        stages.run(tmp_path / "out", **arguments)
    assert line in line_of(error)
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file_is_one_line(tmp_path):
    path = tmp_path / "out"
    path.write_text("mine")
    with pytest.raises(InputError) as error:
        stages.run(path)
    assert f"out: {path} cannot be a folder" in line_of(error)
    assert path.read_text() == "mine"


@pytest.mark.skipif(not pathlib.Path("/proc/self").is_dir(), reason="no /proc")
def test_out_that_cannot_be_written_in_is_one_line():
    with pytest.raises(InputError) as error:
        stages.run("/proc", stages=["cells"])
    assert line_of(error).startswith("out: /proc/report.html cannot be")


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "sklearn" else find(name),
    )
    with pytest.raises(InputError) as error:
        stages.run(tmp_path)
    line = line_of(error)
    assert "scikit-learn is missing; pip install 'nasnet_tf[train]'" in line


def test_the_command_exits_with_2_on_bad_input(tmp_path):
    repository = pathlib.Path(nasnet_tf.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "nasnet_tf.quickstart", "--stages=all"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: stages: 'all' is")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_command_exits_with_1_when_a_result_is_bad(
    tmp_path, monkeypatch, capsys
):
    context = Context(tmp_path, seed=0, epochs=1)
    context.failures.append("held-out accuracy 0.2000 is below 0.95")
    values = types.SimpleNamespace(out=".", seed=0, epochs=1, stages=["cells"])
    monkeypatch.setattr(command.flags, "FLAGS", values)
    monkeypatch.setattr(stages, "run", lambda *arguments: context)
    assert command.main([]) == 1
    line = "failed: held-out accuracy 0.2000 is below 0.95\n"
    assert capsys.readouterr().err == line
    context.failures.clear()
    assert command.main([]) == 0


def test_a_failed_write_leaves_the_old_file(tmp_path):
    context = Context(tmp_path, seed=0, epochs=1)
    (tmp_path / "a.txt").write_text("old")
    with (
        pytest.raises(ZeroDivisionError),
        context.new_file("a.txt", "text") as path,
    ):
        assert path.suffix == ".txt" and path.parent == tmp_path
        path.write_text("half of the n")
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert context.files == {}
    with context.new_file("a.txt", "text") as path:
        path.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    with (
        pytest.raises(InputError) as error,
        context.new_file("none/a.txt", "text") as path,
    ):
        path.write_text("lost")
    assert "cannot be written (No such file" in line_of(error)


def test_figures_take_the_colour_of_the_page(data):
    figure = figures.image_grid(
        data.train_images[:3], ["one", "two", "three"], [False, True, False], 2
    )
    svg = figures.to_svg(figure)
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert figures.INK not in svg
    texts = {node.text: node.get("style") for node in root.iter() if node.text}
    assert "fill: currentColor" in texts["one"]
    assert f"fill: {figures.RED}" in texts["two"]
    images = root.iter("{http://www.w3.org/2000/svg}image")
    assert len(list(images)) == 3


def test_a_legend_takes_the_colour_of_the_page():
    figure, axes = figures.new_figure(4, 3)
    axes.plot([0, 1], label="a line")
    axes.legend()
    root = ElementTree.fromstring(figures.to_svg(figure))
    styles = {node.text: node.get("style") for node in root.iter() if node.text}
    assert "fill" not in styles["a line"]
    assert root.get("fill") == "currentColor"


def test_a_new_stage_is_a_module_and_a_name(tmp_path, monkeypatch):
    module = types.ModuleType("nasnet_tf.quickstart.extra")
    module.TITLE, module.NEEDS = "Extra <stage>", ()

    def stage(context):
        context.say("1 < 2")
        context.section.table(["a", "b"], [["c", 3]], "numbers")
        context.metrics["extra"] = 5
        return 7

    module.stage = stage
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(stages, "STAGES", (*stages.STAGES, "extra"))
    context = stages.run(tmp_path, stages=["extra"])
    assert context.results == {"extra": 7}
    text = (context.out / "report.html").read_text(encoding="utf-8")
    assert "Extra &lt;stage&gt;" in text and "<p>1 &lt; 2</p>" in text
    assert "<tr><td>c</td><td>3</td></tr>" in text
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["extra"] == 5
    assert set(metrics["seconds"]) == {"extra", "total"}
