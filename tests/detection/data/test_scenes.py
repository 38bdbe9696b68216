"""Scenes of digits: the same from a seed, with boxes where the ink is."""

import json
import types

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from detection import scenes as command
from detection.data import scenes
from detection.data.annotations import read_annotations
from detection.data.scenes import compose, write_scenes
from nasnet_tf import InputError
from tests.conftest import line_of


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 60, seed=5)
    return folder


def test_scenes_pass_the_check_of_coco_files(written):
    data = read_annotations(written / "annotations.json", written / "images")
    assert data.categories == {digit + 1: str(digit) for digit in range(10)}
    assert len(data.images) == 60
    counts = [len(image.annotations) for image in data.images]
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    boxes = [box for image in data.images for box in image.annotations]
    assert {box.category_id for box in boxes} == set(range(1, 11))
    heights = np.array([box.box[2] - box.box[0] for box in boxes])
    assert heights.min() >= 17 and heights.max() <= 48
    assert heights.min() < 24 and heights.max() > 44
    for image in data.images:
        assert (image.width, image.height) == (128, 128)


def test_pycocotools_reads_scenes(written):
    coco = COCO(str(written / "annotations.json"))
    row = coco.loadAnns([1])[0]
    _, _, width, height = row["bbox"]
    assert row["area"] == width * height
    assert all(isinstance(side, int) for side in row["bbox"])
    assert [row["name"] for row in coco.loadCats([1, 10])] == ["0", "9"]


def test_the_same_seed_gives_the_same_bytes(written, tmp_path):
    write_scenes(tmp_path / "again", 60, seed=5)
    assert contents(tmp_path / "again") == contents(written)
    write_scenes(tmp_path / "other", 60, seed=6)
    other = contents(tmp_path / "other")
    assert not set(other.values()) & set(contents(written).values())


def test_a_scene_depends_on_its_number_and_not_on_how_many(written, tmp_path):
    write_scenes(tmp_path, 2, seed=5)
    for name in ("images/scene-00000.jpg", "images/scene-00001.jpg"):
        assert contents(tmp_path)[name] == contents(written)[name]
    first = json.loads((tmp_path / "annotations.json").read_text())
    all_of_them = json.loads((written / "annotations.json").read_text())
    count = len(first["annotations"])
    assert first["annotations"] == all_of_them["annotations"][:count]


def test_a_rerun_leaves_none_of_the_earlier_set(tmp_path):
    write_scenes(tmp_path, 3)
    (tmp_path / "images" / "mine.jpg").write_text("")
    write_scenes(tmp_path, 1)
    assert set(contents(tmp_path)) == {
        "annotations.json",
        "images/mine.jpg",
        "images/scene-00000.jpg",
    }


def test_an_interrupted_run_leaves_no_annotations(tmp_path, monkeypatch):
    write_scenes(tmp_path, 2)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scenes, "compose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_scenes(tmp_path, 2)
    assert contents(tmp_path) == {}


def test_the_splits_share_no_digit():
    """The 1,437 and 360 of the project's split; equal scans are one digit."""
    train, train_labels = scenes._digits("train")
    held_out, labels = scenes._digits("validation")
    assert (len(train), len(held_out)) == (1437, 360)
    assert (train.min(), train.max()) == (0, 1)
    seen = {scan.tobytes() for scan in train}
    assert not any(scan.tobytes() in seen for scan in held_out)
    assert set(train_labels) == set(labels) == set(range(10))


def test_splits_and_sizes_differ(tmp_path):
    write_scenes(tmp_path / "a", 1)
    write_scenes(tmp_path / "b", 1, split="validation")
    write_scenes(tmp_path / "c", 1, image_size=256)
    written = {path.read_bytes() for path in tmp_path.rglob("scene-00000.jpg")}
    assert len(written) == 3
    with Image.open(tmp_path / "c/images/scene-00000.jpg") as image:
        assert image.size == (256, 256)
    rows = json.loads((tmp_path / "c/annotations.json").read_text())
    heights = [row["bbox"][3] for row in rows["annotations"]]
    assert min(heights) >= 34 and max(heights) <= 96


def test_boxes_are_those_of_the_ink(monkeypatch):
    """On plain paper, all that is not paper is in a box and touches it."""
    monkeypatch.setattr(
        scenes, "_background", lambda size, _: np.full((size, size, 3), 128.0)
    )
    scans, labels = scenes._digits("train")
    for seed in range(20):
        generator = np.random.default_rng(seed)
        image, boxes = compose(scans, labels, 128, generator)
        ink = (image != 128).any(axis=2)
        for number, (_, (x, y, width, height)) in enumerate(boxes):
            others = [box for k, (_, box) in enumerate(boxes) if k != number]
            inside = ink[y : y + height, x : x + width]
            assert (x, y) >= (0, 0)
            assert x + width <= 128 and y + height <= 128
            if all(
                scenes._covered([x, y, width, height], b) == 0 for b in others
            ):
                assert inside[[0, -1]].any(axis=1).all()
                assert inside[:, [0, -1]].any(axis=0).all()
        for _, (x, y, width, height) in boxes:
            ink[y : y + height, x : x + width] = False
        assert not ink.any()


def test_digits_differ_from_what_is_behind_and_overlap_little():
    scans, labels = scenes._digits("validation")
    generator = np.random.default_rng(0)
    for _ in range(40):
        _, boxes = compose(scans, labels, 128, generator)
        for number, (_, box) in enumerate(boxes):
            for _, other in boxes[:number]:
                assert scenes._covered(box, other) <= 0.1
    for _ in range(40):
        image = scenes._background(128, generator)[:30, :30]
        before = image.mean((0, 1))
        scenes._draw(image, np.ones((30, 30)), [0, 0, 30, 30], generator)
        grey = image.mean((0, 1)) @ [0.299, 0.587, 0.114]
        assert abs(grey - before @ [0.299, 0.587, 0.114]) >= 80


def test_how_much_of_the_smaller_box_is_covered():
    assert scenes._covered([0, 0, 10, 10], [5, 5, 10, 10]) == 0.25
    assert scenes._covered([0, 0, 10, 10], [8, 0, 100, 10]) == 0.2
    assert scenes._covered([0, 0, 10, 10], [10, 0, 5, 5]) == 0
    assert scenes._covered([0, 0, 10, 10], [30, 30, 5, 5]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_images": 0}, "num_images: 0 is not a positive integer"),
        ({"seed": -1}, "seed: -1 is not an integer >= 0"),
        ({"image_size": 32}, "image_size: 32 is not an integer >= 64"),
        ({"image_size": 4096}, "image_size: 4096 is too large; 1024 is the"),
        ({"split": "test"}, "split: 'test' is unknown; choose one of train, "),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, arguments, words):
    with pytest.raises(InputError) as error:
        write_scenes(tmp_path / "out", **({"num_images": 1} | arguments))
    assert line_of(error).startswith(words)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as error:
        write_scenes(tmp_path / "file", 1)
    assert line_of(error).startswith(f"folder: {tmp_path / 'file'} cannot be")


def test_the_command_writes_both_splits(tmp_path, monkeypatch, capsys):
    values = {"out": str(tmp_path), "seed": 5, "image_size": 64}
    values |= {"train": 3, "validation": 2}
    given = types.SimpleNamespace(**values)
    monkeypatch.setattr(command.flags, "FLAGS", given)
    command.main([])
    assert capsys.readouterr().out.splitlines() == [
        f"wrote 3 scenes: {tmp_path}/train/annotations.json",
        f"wrote 2 scenes: {tmp_path}/validation/annotations.json",
    ]
    for split, count in (("train", 3), ("validation", 2)):
        folder = tmp_path / split
        data = read_annotations(folder / "annotations.json", folder / "images")
        assert len(data.images) == count
    given.out = None
    with pytest.raises(InputError) as error:
        command.main([])
    assert line_of(error) == "out: missing; give a folder as --out=scenes"
