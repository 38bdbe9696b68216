"""The command that measures a detector or a file of its results."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from PIL import Image

import detection.evaluate
from detection.evaluate import main
from detection.evaluation.reports import evaluate_model, evaluate_predictions
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.detection.results import (
    FakeDetector,
    coco_set,
    detections_of,
    install,
    write_images,
    write_json,
)

REPORT = {"metrics.json", "table.md", "precision_recall.png"}
PICTURES = {"drawn", "contact_sheet.jpg"}


@pytest.fixture
def data(tmp_path):
    """Ten images, their annotations, and where they are."""
    dataset = coco_set(images=10)
    return types.SimpleNamespace(
        dataset=dataset,
        annotations=write_json(tmp_path / "truth.json", dataset),
        images=write_images(tmp_path / "images", dataset),
        out=tmp_path / "new" / "out",
    )


def _names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_model_is_evaluated(data, monkeypatch, capsys):
    detector = FakeDetector(data.dataset)
    asked = install(monkeypatch, detector)
    metrics = evaluate_model("runs/x", data.images, data.annotations, data.out)
    assert asked == ["runs/x"] and detector.seen == list(range(11, 21))
    assert _names(data.out) == REPORT | PICTURES | {"predictions.json"}
    results = json.loads((data.out / "predictions.json").read_text())
    assert len(results) == 50
    assert set(results[0]) == {"image_id", "category_id", "bbox", "score"}
    left, *others = data.dataset["annotations"][0]["bbox"]
    expected = [left + 2, *others]
    np.testing.assert_allclose(results[0]["bbox"], expected, atol=1e-4)
    written = json.loads((data.out / "metrics.json").read_text())
    assert written["model"] == "checkpoint ckpt-40 of runs/x"
    assert written["annotations"] == str(data.annotations)
    assert written["AP"] == metrics.numbers["AP"]
    # Two pixels are much beside a small object only.
    assert 0.7 < metrics.numbers["AP"] < 1
    assert metrics.numbers["AP_large"] > metrics.numbers["AP_small"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "checkpoint ckpt-40 of runs/x on truth.json"
    assert lines[1] == "10 images, 43 objects and 7 crowds, 50 detections"
    wrote = lines[lines.index("wrote") + 1 :]
    assert {line.strip() for line in wrote} == {
        str(path) for path in data.out.iterdir()
    }
    again = evaluate_predictions(
        data.out / "predictions.json", data.annotations, data.out / "again"
    )
    assert again.numbers == metrics.numbers
    assert _names(data.out / "again") == REPORT


def test_images_that_cannot_be_read_are_left_out(data, monkeypatch, capsys):
    broken = data.images / "000014.png"
    broken.write_bytes(broken.read_bytes()[:100])
    detector = FakeDetector(data.dataset)
    install(monkeypatch, detector)
    arguments = "runs/x", data.images, data.annotations, data.out
    with pytest.raises(InputError, match=r"000014.png cannot be read as an"):
        evaluate_model(*arguments, strict=True)
    metrics = evaluate_model(*arguments)
    assert detector.seen == [11, 12, 13, *range(15, 21)]
    told = f"skipped 1 of 10 images: damaged: {broken}"
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == told
    assert captured.out.splitlines()[1].startswith("9 images, ")
    written = json.loads((data.out / "metrics.json").read_text())
    assert written["skipped"] == told
    # As if the image had never been annotated.
    kept = {
        **data.dataset,
        "images": [i for i in data.dataset["images"] if i["id"] != 14],
        "annotations": [
            a for a in data.dataset["annotations"] if a["image_id"] != 14
        ],
    }
    file = write_json(data.images.parent / "kept.json", kept)
    expected = evaluate_model("runs/x", data.images, file, data.out)
    assert metrics.numbers == expected.numbers
    for path in data.images.iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"none of the 10 files .*empty"):
        evaluate_model(*arguments)


def test_pictures_show_annotations_beside_detections(data, monkeypatch):
    install(monkeypatch, FakeDetector(data.dataset))
    evaluate_model("runs/x", data.images, data.annotations, data.out, 0.85)
    # Eight of ten, evenly spread, the first and the last among them.
    drawn = sorted(path.stem for path in (data.out / "drawn").iterdir())
    assert drawn == [f"{n:06}" for n in (11, 12, 14, 15, 16, 17, 19, 20)]
    with Image.open(data.out / "drawn" / "000011.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB"), int)
    # 200x160 is doubled; a title above and a gap between.
    half = (pixels.shape[1] - 5) // 2
    assert half == 400 and 320 < pixels.shape[0] < 370
    sides = pixels[-320:, :400], pixels[-320:, 405:]
    grey = Image.open(data.images / "000011.png").resize((400, 320), 0)
    changed = [
        (np.abs(side - np.asarray(grey, int)).max(axis=-1) > 90).mean()
        for side in sides
    ]
    # Five objects to the left, and the surest of them to the right.
    assert changed[0] > 2 * changed[1] > 0.004


def test_a_file_of_results_with_pictures(data, tmp_path, capsys):
    path = write_json(tmp_path / "found.json", detections_of(data.dataset))
    evaluate_predictions(path, data.annotations, data.out, data.images, 0.9)
    assert _names(data.out) == REPORT | PICTURES
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "found.json on truth.json"
    written = json.loads((data.out / "metrics.json").read_text())
    assert written["predictions"] == str(path)


def test_what_is_wrong_is_told_before_the_work(data, tmp_path, monkeypatch):
    asked = install(monkeypatch, FakeDetector(data.dataset))

    def line(images=data.images, annotations=data.annotations, out=data.out):
        with pytest.raises(InputError) as error:
            evaluate_model("runs/x", images, annotations, out)
        return line_of(error)

    assert line(images=tmp_path / "none").startswith("images: ")
    (tmp_path / "empty").mkdir()
    assert "lacks 10 of the 10 images" in line(images=tmp_path / "empty")
    assert line(annotations=tmp_path / "none").startswith("annotations: ")
    assert "cannot be a folder" in line(out=data.annotations)
    with pytest.raises(InputError, match=r"^min_score: 1.5 is not a number in"):
        evaluate_model("x", data.images, data.annotations, data.out, 1.5)
    assert asked == [] and not data.out.exists()
    detector = FakeDetector(data.dataset)
    detector.categories[3] = "lorry"
    install(monkeypatch, detector)
    assert "category 3 of checkpoint ckpt-40 of runs/x is 'lorry'" in line()
    assert detector.seen == [] and _names(data.out) == set()


def test_a_checkpoint_by_name(data, monkeypatch):
    detector = FakeDetector(data.dataset)
    install(monkeypatch, detector)
    values = {"model": "m", "checkpoint": "ckpt-20", "out": data.out}
    values |= {"images": data.images, "annotations": data.annotations}
    _flags(monkeypatch, **values)
    main([])
    assert detector.checkpoint == "ckpt-20" and len(detector.seen) == 10


def test_an_unknown_home_folder_is_one_line(data, monkeypatch):
    asked = install(monkeypatch, FakeDetector(data.dataset))
    paths = {"images": data.images, "annotations": data.annotations}
    for name in ("images", "annotations", "out"):
        given = {**paths, "out": data.out, name: "~no-such-user/x"}
        with pytest.raises(InputError) as error:
            evaluate_model("m", **given)
        assert line_of(error) == (
            f"{name}: ~no-such-user/x begins with a home folder that is not "
            "known here; give the path in full"
        )
    with pytest.raises(InputError, match=r"^predictions: ~no-such-user/x "):
        evaluate_predictions("~no-such-user/x", data.annotations, data.out)
    assert asked == [] and not data.out.exists()


def test_a_file_of_results_without_out_writes_nothing(data, tmp_path, capsys):
    path = write_json(tmp_path / "found.json", detections_of(data.dataset))
    written = evaluate_predictions(path, data.annotations, data.out)
    with_out = capsys.readouterr().out
    before = sorted(tmp_path.rglob("*"))
    metrics = evaluate_predictions(path, data.annotations)
    assert metrics.numbers == written.numbers
    assert capsys.readouterr().out == with_out.partition("\nwrote")[0]
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(InputError) as error:
        evaluate_predictions(path, data.annotations, images=data.images)
    assert "without out, the folder of the pictures" in line_of(error)


def _flags(monkeypatch, **values):
    given = dict.fromkeys(
        ("model", "predictions", "annotations", "images", "out")
    )
    given |= {"min_score": 0.5, "checkpoint": None, "allow_outside": False}
    given["strict"] = given["bfloat16"] = False
    given = types.SimpleNamespace(**given | values)
    monkeypatch.setattr(detection.evaluate.flags, "FLAGS", given)


def test_flags(monkeypatch):
    def line(*arguments, **values):
        _flags(monkeypatch, **values)
        with pytest.raises(InputError) as error:
            main(list(arguments))
        return line_of(error)

    assert line("x").startswith("arguments: 'x' is no flag;")
    assert line() == (
        "model: neither of --model and --predictions given; give one"
    )
    assert "both of --model and" in line(model="x", predictions="y")
    assert line(predictions="y") == "annotations: missing; give --annotations"
    assert "out: missing" in line(model="y", annotations="z")
    assert "images: missing" in line(model="x", annotations="y", out="z")
    assert line(predictions="y", bfloat16=True).startswith(
        "bfloat16: it is of a --model"
    )
    assert line(predictions="y", checkpoint="ckpt-3").startswith(
        "checkpoint: 'ckpt-3' with --predictions"
    )
    called = []
    for name in ("evaluate_model", "evaluate_predictions"):
        monkeypatch.setattr(
            detection.evaluate,
            name,
            lambda *given, **named: called.append(given),
        )
    _flags(monkeypatch, model="m", images="i", annotations="a", out="o")
    main([])
    _flags(monkeypatch, predictions="p", annotations="a", out="o")
    main([])
    assert called == [("m", "i", "a", "o", 0.5), ("p", "a", "o", None, 0.5)]


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "detection.evaluate", *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )


def test_command(data, tmp_path):
    results = detections_of(data.dataset)
    results[0]["category_id"] = 5
    path = write_json(tmp_path / "found.json", results)
    run = _run(
        f"--predictions={path}",
        f"--annotations={data.annotations}",
        f"--out={data.out}",
    )
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines()[-1] == (
        f"error: predictions: 1 of {len(results)} have category_id 5, which "
        f"{data.annotations} lacks (it has 4 ids from 1 to 8); map the "
        "classes to its ids"
    )
    assert "Traceback" not in run.stderr and not data.out.exists()
