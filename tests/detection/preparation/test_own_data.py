"""A folder becomes records, an experiment, and a detector with its report."""

import json

import numpy as np
import pytest
import tensorflow as tf

from detection.data.categories import read_categories
from detection.data.conversion import convert_coco
from detection.preparation.own_data import prepare
from detection.preparation.training import TRAINED_AP, train_on
from nasnet_tf.checks.errors import InputError
from tests.commands import run_command
from tests.conftest import line_of
from tests.detection.models import cells_of_one_block
from tests.detection.preparation.folders_of_tools import (
    PICTURES,
    coco_flat,
    roboflow_yolo,
)
from tests.detection.small_jobs import SMALL


@pytest.fixture
def told():
    return []


def test_an_experiment_of_a_folder(tmp_path, told):
    coco_flat(tmp_path / "data")
    own = prepare(tmp_path / "data", tmp_path / "job", tell=told.append)
    task = own.params.task
    assert task.model.num_classes == 3
    assert task.train_data.global_batch_size == 4
    for data, count in ((task.train_data, 4), (task.validation_data, 2)):
        files = tf.io.gfile.glob(data.input_path)
        assert len(list(tf.data.TFRecordDataset(files))) == count
    categories = read_categories(tmp_path / "job" / "data")
    assert dict(categories) == {0: "car", 1: "dog"}
    held_out = json.loads(own.annotations.read_text())
    assert [i["file_name"] for i in held_out["images"]] == [
        "p0.png",
        "empty.png",
    ]
    assert told[0] == (
        "4 images with 4 objects of 2 categories to train on; 2 to evaluate "
        "on, held out by their names"
    )
    assert "  task.model.num_classes=3: 2 categories and the background" in told


def test_a_job_keeps_its_data_and_choices(tmp_path, told):
    roboflow_yolo(tmp_path / "data")
    arguments = tmp_path / "data", tmp_path / "job"
    first = prepare(*arguments, tell=told.append)
    records = sorted((tmp_path / "job" / "data").iterdir())
    times = [path.stat().st_mtime_ns for path in records]
    again = prepare(
        *arguments,
        params_override="trainer.train_steps=4",
        tell=told.append,
    )
    assert [path.stat().st_mtime_ns for path in records] == times
    assert again.params.task.as_dict() == first.params.task.as_dict()
    assert again.params.trainer.train_steps == 4
    assert any("train_steps=4 (yours, for 6" in line for line in told)
    with pytest.raises(InputError) as error:
        prepare(*arguments, weights="imagenet")
    assert line_of(error).startswith("weights: imagenet, and the job in ")
    label = tmp_path / "data" / "train" / "labels" / "p0.txt"
    label.write_text(label.read_text().replace("0 ", "1 ", 1))
    with pytest.raises(InputError) as error:
        prepare(*arguments)
    assert "is not what the job in" in line_of(error)


def test_records(tmp_path, told):
    """They hold the same pictures, boxes and categories as their folder."""
    coco_flat(tmp_path / "data")
    records = tmp_path / "records"
    convert_coco(tmp_path / "data", tmp_path / "data" / "result.json", records)
    own = prepare(records, tmp_path / "job", tell=told.append)
    assert told[0].startswith("4 images with 3 objects of 2 categories")
    assert own.params.task.model.num_classes == 3
    truth = json.loads(own.annotations.read_text())
    names = {image["id"]: image["file_name"] for image in truth["images"]}
    assert all((own.images / name).is_file() for name in names.values())
    assert [c["name"] for c in truth["categories"]] == ["car", "dog"]
    for annotation in truth["annotations"]:
        name = names[annotation["image_id"]].split("/")[-1].split("_")[0]
        ((category, box),) = PICTURES[name]
        assert annotation["category_id"] == category
        np.testing.assert_allclose(annotation["bbox"], box, atol=1e-4)
    assert truth["annotations"]
    again = prepare(records, tmp_path / "job", tell=told.append)
    assert again.params.as_dict() == own.params.as_dict()
    (records / "categories.json").unlink()
    with pytest.raises(InputError, match=r"has records and no categories.json"):
        prepare(records, tmp_path / "other")


def test_what_cannot_be_read_is_left_out_and_told(tmp_path, told):
    coco_flat(tmp_path / "data")
    (picture,) = (tmp_path / "data").rglob("p1.*")
    picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(InputError, match="unreadable"):
        prepare(tmp_path / "data", tmp_path / "job", strict=True)
    own = prepare(tmp_path / "data", tmp_path / "job", tell=told.append)
    assert told[0].startswith("train: left out 1 images, ")
    assert "image files unreadable: 1 (p1" in told[0]
    assert own.left_out == (told[0],)
    plan = json.loads((tmp_path / "job" / "data" / "plan.json").read_text())
    assert plan["left_out"] == [told[0]]
    trained_on = json.loads(own.trained_on.read_text())["images"]
    assert {image["file_name"] for image in trained_on}.isdisjoint(
        {"p0.png", "empty.png", picture.name}
    )


def test_photos_are_kept_at_what_the_network_can_use(tmp_path, told):
    coco_flat(tmp_path / "data")
    small = "task.model.input_size=[8,8,3]"
    arguments = tmp_path / "data", tmp_path / "job"
    own = prepare(*arguments, params_override=small, tell=told.append)
    assert told[-1] == (
        "  4 of 4 images to train on are kept at 32 pixels: 4 times what the "
        "network sees"
    )
    (path, *_) = tf.io.gfile.glob(own.params.task.train_data.input_path)
    (record, *_) = tf.data.TFRecordDataset(path)
    features = tf.train.Example.FromString(record.numpy()).features.feature
    assert features["image/width"].int64_list.value == [32]
    prepare(*arguments, params_override=small, tell=told.append)
    assert told[-1].endswith("4 times what the network sees")
    with pytest.raises(InputError) as error:
        prepare(*arguments, params_override="task.model.input_size=[16,16,3]")
    assert "are kept at 32; give another --model_dir" in line_of(error)


def test_weights_that_are_none(tmp_path):
    coco_flat(tmp_path / "data")
    with pytest.raises(InputError) as error:
        prepare(tmp_path / "data", tmp_path / "job", weights="no.keras")
    assert line_of(error).startswith("weights: no.keras is neither imagenet")


def test_a_mode_is_of_experiments(tmp_path):
    result = run_command(
        "detection.train", "--data=x", f"--model_dir={tmp_path}", "--mode=eval"
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: mode: eval beside --data, which")


@pytest.mark.slow
def test_a_detector_and_its_report(tmp_path, capsys):
    coco_flat(tmp_path / "data")
    override = SMALL + cells_of_one_block(tmp_path)
    result = train_on(
        tmp_path / "data", tmp_path / "job", params_override=override
    )
    assert 0 <= result.metrics["AP"] <= 1
    assert 0 <= result.metrics[TRAINED_AP] <= 1
    assert all(path.exists() for path in result.files)
    drawn = tmp_path / "job" / "report" / "drawn"
    assert {path.name for path in drawn.iterdir()} >= {"p0.jpg"}
    assert "num_classes=3" in capsys.readouterr().out
