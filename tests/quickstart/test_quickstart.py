"""A run of the quickstart: its files, its report."""

import collections
import html.parser
import importlib.util
import json
import types

import numpy as np
import pytest
from PIL import Image

from detection import experiments
from nasnet_tf.configuration.files import save_config
from nasnet_tf.data import digits
from nasnet_tf.quickstart import (
    detection,
    exporting,
    report,
    searching,
    stages,
    training,
)
from nasnet_tf.search.config_checks import read_search_config
from nasnet_tf.training.config_files import read_config
from tests.commands import run_command
from tests.conftest import first_digits
from tests.detection.models import cells_of_one_block
from tests.detection.small_jobs import SMALL
from tests.training.jobs import one_block_genotype

FILES = {
    "cells.svg",
    "digit.png",
    "digits.keras",
    "metrics.json",
    "page.png",
    "predictions.png",
    "report.html",
}
JOB_FILES = {"best.keras", "curves.png", "model.keras", "model_card.md"}
# A network that has learnt nothing has too little to say for 8 bits.
EXPORTS = {
    name: how for name, how in exporting.EXPORTS.items() if how[1] == "none"
}
FOLDERS = {training.FOLDER, detection.FOLDER, searching.FOLDER, *EXPORTS}
DETECTION_FILES = {
    "categories.json",
    "ckpt-2.index",
    "contact_sheet.jpg",
    "params.yaml",
    "precision_recall.png",
    "train",
}
EXPORTED_FILES = {"model.tflite", "model.onnx"}


@pytest.fixture(scope="module")
def data():
    return digits.load()


@pytest.fixture(scope="module")
def tiny_run(data, tmp_path_factory):
    """One epoch of three steps, too few to learn; 30 digits held out."""
    folder = tmp_path_factory.mktemp("tiny")
    config = read_config(
        [training.CONFIG],
        f"model.genotype={one_block_genotype(folder)},"
        "model.penultimate_filters=32",
    )
    save_config(config, folder / "tiny.yaml")
    # Children of few digits, of which three steps learn nothing either.
    search = read_search_config(
        [searching.CONFIG],
        "space.operations=[identity],space.num_blocks=1,child.filters=2,"
        "child.method=built,data.held_out=20,recipe.steps=1",
    )
    save_config(search, folder / "search.yaml")
    small = SMALL + cells_of_one_block(folder)
    read_experiment = experiments.read_experiment
    few = first_digits(data, 100, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "load", lambda: few)
        patch.setattr(exporting, "EXPORTS", EXPORTS)
        patch.setattr(training, "CONFIG", folder / "tiny.yaml")
        patch.setattr(detection, "SCENES", {"train": 8, "validation": 2})
        patch.setattr(detection, "STEPS", 2)
        patch.setattr(
            experiments,
            "read_experiment",
            lambda name, files, override: read_experiment(
                name, files, f"{small},{override}"
            ),
        )
        patch.setattr(searching, "CONFIG", folder / "search.yaml")
        patch.setattr(searching, "SAMPLES", 2)
        patch.setattr(searching, "RACE", 2)
        patch.setattr(searching, "ROUND_SIZE", 2)
        patch.setattr(searching, "WORKERS", 0)
        patch.setattr(
            searching,
            "subprocess",
            types.SimpleNamespace(
                run=lambda command: run_command(command[2], *command[3:])
            ),
        )
        return stages.run(tmp_path_factory.mktemp("quickstart"), epochs=1)


class Page(html.parser.HTMLParser):
    """Counts tags, and collects ids and what the page refers to."""

    def __init__(self, text):
        super().__init__()
        self.tags = collections.Counter()
        self.ids, self.references = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        for key, value in attributes:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href", "xlink:href"):
                self.references.append(value)


def read_report(context):
    return (context.out / "report.html").read_text(encoding="utf-8")


def test_a_run_writes_every_file_and_says_that_it_failed(tiny_run):
    assert {path.name for path in tiny_run.out.iterdir()} == {
        *FILES,
        *FOLDERS,
    }
    named = {path.name for path in tiny_run.files}
    of_stages = EXPORTED_FILES | DETECTION_FILES | {"best.json"}
    assert named == FILES | JOB_FILES | of_stages
    metrics = json.loads((tiny_run.out / "metrics.json").read_text())
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.shape == (10, 10) and confusion.sum() == 30
    assert np.trace(confusion) == metrics["correct"]
    assert metrics["accuracy"] == metrics["correct"] / 30 < 0.95
    assert metrics["reloaded_difference"] <= 1e-6
    assert len(metrics["history"]["evaluation"]["accuracy"]) == 1
    assert set(metrics["seconds"]) == {*stages.STAGES, "total"}
    not_read, not_found = metrics["failures"]
    assert not_read.startswith(f"held-out accuracy {metrics['accuracy']:.4f}")
    assert not_found.startswith("AP50 0.0")
    assert all(
        failure in read_report(tiny_run) for failure in (not_read, not_found)
    )
    with Image.open(tiny_run.out / "page.png") as image:
        assert image.size == (400, 120)
    assert tiny_run.results["saving"].class_names == digits.CLASS_NAMES


def test_the_report_needs_no_other_file(tiny_run):
    text = read_report(tiny_run)
    read = Page(text)
    assert read.tags["section"] == len(stages.STAGES) + 3
    # Digits, two curves, confusion matrix, mistakes, the search, the page.
    assert read.tags["svg"] == 7
    # The page as it is read, and digits found in scenes.
    assert read.tags["img"] == 2
    assert not {"script", "link", "iframe"} & set(read.tags)
    assert len(read.references) > 60
    assert all(
        reference.startswith(("data:image/", "#"))
        for reference in read.references
    )
    assert "@import" not in text and "prefers-color-scheme" in text
    sections = [part.name for part in tiny_run.sections]
    assert set(sections) <= set(read.ids)
    correct = tiny_run.metrics["correct"]
    assert f"<h1>{correct} of 30 handwritten digits" in text


def test_next_commands_exist_and_read_files_that_exist(tiny_run):
    commands = [line for line, _ in report._next_commands(tiny_run)]
    assert any(" -m nasnet_tf.draw " in line for line in commands)
    text = read_report(tiny_run)
    for line in commands:
        module = line.split()[2]
        assert importlib.util.find_spec(module)
        assert f"<pre>{line}</pre>" in text


def test_a_second_run_replaces_files_one_by_one(tiny_run):
    model = (tiny_run.out / "digits.keras").read_bytes()
    (tiny_run.out / "cells.svg").write_text("old")
    again = stages.run(tiny_run.out, stages=["cells"])
    assert {path.name for path in tiny_run.out.iterdir()} == {
        *FILES,
        *FOLDERS,
    }
    assert {path.name for path in again.files} == {
        "cells.svg",
        "metrics.json",
        "report.html",
    }
    assert (tiny_run.out / "digits.keras").read_bytes() == model
    assert "<svg" in (tiny_run.out / "cells.svg").read_text()
    text = read_report(again)
    assert "The stages below ran." in text
    assert "--epochs=8 --stages=cells" in text


@pytest.mark.slow
def test_the_whole_job_reads_98_percent(tmp_path, monkeypatch):
    # Half of its steps are enough to tell a detector that learns, and half of
    # the search to tell that none of its children fails.
    monkeypatch.setattr(detection, "STEPS", detection.STEPS // 2)
    monkeypatch.setattr(searching, "SAMPLES", searching.SAMPLES // 2)
    context = stages.run(tmp_path)
    assert context.failures == []
    assert context.metrics["accuracy"] >= 0.98
    assert context.metrics["page_correct"] >= 57
    assert context.metrics["reloaded_difference"] <= 1e-6
