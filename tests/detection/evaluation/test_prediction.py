"""The command that detects objects in a folder of images."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from PIL import Image

import detection.predict
from detection.detectors.detections import Detections
from detection.evaluation.detecting import show_stored
from detection.evaluation.prediction import predict
from detection.predict import main
from nasnet_tf import InputError
from nasnet_tf.images import photos
from tests.conftest import line_of
from tests.detection.results import (
    FILES,
    FakeDetector,
    install,
)


def _read(path):
    return json.loads(path.read_text())


def test_pictures_and_results(tmp_path, dataset, images, monkeypatch, capsys):
    asked = install(monkeypatch, FakeDetector(dataset))
    out = tmp_path / "new" / "out"
    results = predict("model.tflite", images, out)
    assert asked == ["model.tflite"]
    assert {path.name for path in out.iterdir()} == FILES
    # Of the scores 0.9, 0.8, 0.45, 0.4 and 0.3.
    assert len(results) == 2 * 6 and min(r["score"] for r in results) == 0.8
    assert _read(out / "predictions.json") == results
    assert set(results[0]) == {
        "image_id",
        "category_id",
        "bbox",
        "score",
        "file_name",
    }
    assert [r["image_id"] for r in results[::2]] == list(range(11, 17))
    assert results[0]["file_name"] == "000011.png"
    assert _read(out / "images.json") == [
        {key: row[key] for key in ("id", "file_name", "width", "height")}
        for row in dataset["images"]
    ]
    drawn = sorted(path.name for path in (out / "drawn").iterdir())
    assert drawn == [f"{number:06}.jpg" for number in range(11, 17)]
    with Image.open(out / "drawn" / "000011.jpg") as picture:
        assert picture.size == (400, 320)
    with Image.open(out / "contact_sheet.jpg") as sheet:
        # Six images of 200x160 in three columns.
        assert sheet.size == (3 * 210 + 10, 2 * 192 + 10)
    assert "6/6" in capsys.readouterr().err


def test_scores_equal_to_the_least_are_kept(
    tmp_path, dataset, images, monkeypatch
):
    install(monkeypatch, FakeDetector(dataset))
    for score, count in ((0.45, 18), (0.46, 12), (0, 30), (1, 0)):
        results = predict("m", images, tmp_path / "out", min_score=score)
        assert len(results) == count
        assert _read(tmp_path / "out" / "predictions.json") == results


def test_only_the_first_images(tmp_path, dataset, images, monkeypatch):
    detector = FakeDetector(dataset)
    install(monkeypatch, detector)
    predict("m", images, tmp_path / "out", max_images=2)
    assert detector.seen == [11, 12]
    assert len(_read(tmp_path / "out" / "images.json")) == 2
    predict("m", images / "000015.png", tmp_path / "one")
    assert detector.seen[2:] == [15]
    (row,) = _read(tmp_path / "one" / "images.json")
    assert (row["id"], row["file_name"]) == (15, "000015.png")


def test_an_earlier_run_is_not_looked_at(
    tmp_path, dataset, images, monkeypatch
):
    detector = FakeDetector(dataset)
    install(monkeypatch, detector)
    for _ in range(2):
        predict("m", images, images)
    assert detector.seen == 2 * list(range(11, 17))


def test_pictures_of_an_earlier_run_go(tmp_path, dataset, images, monkeypatch):
    install(monkeypatch, FakeDetector(dataset))
    out = tmp_path / "out"
    predict("m", images, out)
    (out / "drawn" / "mine.jpg").write_text("no picture of a run")
    predict("m", images, out, max_images=2)
    drawn = sorted(path.name for path in (out / "drawn").iterdir())
    assert drawn == ["000011.jpg", "000012.jpg", "mine.jpg"]
    listing = [{"file_name": name} for name in ("../mine.png", "/mine.png")]
    for content in (listing, [7], {"a": 1}, 3, [{"file_name": ""}]):
        (out / "images.json").write_text(json.dumps(content))
        (out / "mine.jpg").touch()
        predict("m", images, out, max_images=2)
        assert (out / "mine.jpg").exists()
        assert len(_read(out / "images.json")) == 2


def test_what_is_shown_is_not_removed(tmp_path, monkeypatch):
    install(monkeypatch, _Anything())
    folder, out = tmp_path / "photos", tmp_path / "out"
    for name in ("a.png", "more/b.png", "more/c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 50), "gray").save(folder / name)
    predict("m", folder, out)
    predict("m", out / "drawn" / "more" / "b.jpg", out)
    found = {path.name for path in (out / "drawn").rglob("*.jpg")}
    assert found == {"b.jpg"}
    assert (out / "drawn" / "more" / "b.jpg").exists()


def test_files_that_cannot_be_read_are_skipped(
    tmp_path, dataset, images, monkeypatch, capsys
):
    install(monkeypatch, FakeDetector(dataset))
    (images / "000012.png").write_text("no image")
    (images / "000014.png").write_bytes(b"")
    for name in ("._000011.png", "__MACOSX/000011.png"):
        (images / name).parent.mkdir(exist_ok=True)
        (images / name).write_text("hidden")
    out = tmp_path / "out"
    results = predict("m", images, out)
    assert [row["id"] for row in _read(out / "images.json")] == [11, 13, 15, 16]
    assert {entry["image_id"] for entry in results} == {11, 13, 15, 16}
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"skipped 2 of 6 images: not an image: {images / '000012.png'}; "
        f"empty: {images / '000014.png'}"
    )
    for path in images.glob("0*.png"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"^images: none of the 6 files of "):
        predict("m", images, tmp_path / "none")


def test_large_images_are_shown_reduced(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "LARGE", 10_000)
    monkeypatch.setattr(photos, "_REDUCED", 10_000)
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (301, 201), "gray").save(folder / "a.jpg")
    Image.new("RGB", (301, 201), "gray").save(folder / "b.png", exif=exif)
    detector = _Anything()
    install(monkeypatch, detector)
    results = predict("m", folder, tmp_path / "out")
    assert detector.shapes == [(51, 76), (76, 51)]
    rows = _read(tmp_path / "out" / "images.json")
    assert [(r["width"], r["height"]) for r in rows] == [(301, 201), (201, 301)]
    boxes = [entry["bbox"] for entry in results]
    np.testing.assert_allclose(
        boxes, [[0, 0, 301, 100.5], [0, 0, 201, 150.5]], rtol=1e-6
    )
    shown = show_stored(folder / "b.png")
    assert shown.image.size == (76, 51) and shown.size == (301, 201)


@pytest.mark.parametrize("size", [(1, 1), (3000, 10), (10, 3000), (20000, 1)])
def test_thin_images_are_drawn(tmp_path, monkeypatch, size):
    install(monkeypatch, _Anything())
    Image.new("RGB", size).save(tmp_path / "a.png")
    predict("m", tmp_path / "a.png", tmp_path / "out")
    with Image.open(tmp_path / "out" / "drawn" / "a.jpg") as picture:
        assert picture.size[0] >= size[0]


class _Anything:
    """Finds a nameless object in the upper half of every image."""

    name, num_classes, categories = "any", 100, {}

    def __init__(self):
        self.shapes = []

    def detect(self, image):
        height, width, _ = image.shape
        self.shapes.append((height, width))
        return Detections(
            np.float32([[0, 0, height / 2, width]]),
            np.float32([0.9]),
            np.int32([42]),
        )


def test_names_folders_and_turned_photos(tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, more in (
        ("cat.jpg", {}),
        ("cat.png", {}),
        ("more/cat.jpg", {"exif": exif}),
        ("more/7.webp", {}),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (800, 500), "gray").save(folder / name, **more)
    detector = _Anything()
    install(monkeypatch, detector)
    predict("m", str(folder), str(tmp_path / "out"))
    rows = _read(tmp_path / "out" / "images.json")
    names = ["cat.jpg", "cat.png", "more/7.webp", "more/cat.jpg"]
    assert [row["file_name"] for row in rows] == names
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert detector.shapes == [(500, 800)] * 3 + [(800, 500)]
    assert (rows[3]["width"], rows[3]["height"]) == (500, 800)
    drawn = tmp_path / "out" / "drawn"
    assert {str(path.relative_to(drawn)) for path in drawn.rglob("*.jpg")} == {
        "cat.jpg.jpg",
        "cat.png.jpg",
        "more/cat.jpg",
        "more/7.jpg",
    }
    with Image.open(drawn / "more" / "cat.jpg") as picture:
        assert picture.size == (500, 800)
        assert picture.getpixel((250, 600)) == (128, 128, 128)


def test_what_is_wrong_is_told_before_the_work(tmp_path, images, monkeypatch):
    asked = install(monkeypatch, _Anything())
    out = tmp_path / "out"

    def line(images=images, out=out, **values):
        with pytest.raises(InputError) as error:
            predict("m", images, out, **values)
        return line_of(error)

    assert line(min_score=1.01) == "min_score: 1.01 is not a number in [0, 1]"
    assert line(min_score=-0.1).startswith("min_score: -0.1 is not")
    assert line(max_images=0) == "max_images: 0 is not a positive integer"
    assert line(images=tmp_path / "x").endswith("x: no such file or folder")
    (tmp_path / "empty").mkdir()
    assert line(images=tmp_path / "empty") == (
        f"images: the folder {tmp_path / 'empty'} has none; it needs files "
        "that end in .jpg, .jpeg, .jfif, .png, .bmp, .webp, .gif, .tif, .tiff"
    )
    (images / "000012.png").write_text("no image")
    assert line(strict=True) == line(images=images / "000012.png")
    assert line(strict=True) == (
        f"images: {images / '000012.png'} cannot be read as an image; leave "
        "out or replace"
    )
    assert not out.exists()
    (images / "000012.png").unlink()
    (tmp_path / "file").touch()
    assert "cannot be a folder" in line(out=tmp_path / "file")
    assert asked == []


def test_flags(tmp_path, dataset, images, monkeypatch, capsys):
    detector = FakeDetector(dataset)
    install(monkeypatch, detector)
    values = {"min_score": 0.5, "max_images": None, "checkpoint": "ckpt-20"}
    values["strict"] = values["bfloat16"] = False

    def set_flags(**given):
        given = {"model": "m", "images": None, "out": None, **values, **given}
        monkeypatch.setattr(
            detection.predict.flags, "FLAGS", types.SimpleNamespace(**given)
        )

    set_flags(images=str(images))
    with pytest.raises(InputError, match=r"^out: missing; give --out"):
        main([])
    with pytest.raises(InputError, match=r"^arguments: 'x' is no flag"):
        main(["x"])
    out = tmp_path / "out"
    set_flags(images=str(images), out=str(out))
    main([])
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"12 detections; wrote {out / 'drawn'}, {out / 'contact_sheet.jpg'}, "
        f"{out / 'predictions.json'}, {out / 'images.json'}"
    )
    assert detector.checkpoint == "ckpt-20"


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "detection.predict", *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )


def test_command_with_an_unknown_home_folder(tmp_path):
    run = _run(f"--images={tmp_path}", "--model=m", "--out=~no-such-user/x")
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines() == [
        "error: out: ~no-such-user/x begins with a home folder that is not "
        "known here; give the path in full"
    ]


def test_command_with_a_folder_without_images(tmp_path):
    out = tmp_path / "out"
    run = _run(f"--images={tmp_path}", "--model=m", f"--out={out}")
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines()[-1].startswith(
        f"error: images: the folder {tmp_path} has none; it needs files"
    )
    assert "Traceback" not in run.stderr and not out.exists()
