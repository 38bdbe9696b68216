"""What a job holds out stays, whatever becomes of the folder."""

import dataclasses
import json

import numpy as np
import pytest

from export.sources.images import data_images
from nasnet_tf import InputError, data
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.split import SPLIT_FILE, read_split
from nasnet_tf.evaluation import file_classifier
from nasnet_tf.evaluation.reports import evaluate_job
from nasnet_tf.training.job import train
from nasnet_tf.training.network import build_network, initialize
from tests.conftest import line_of
from tests.data.image_sets import evaluation, folder_config, photo, write_folder
from tests.training.jobs import small_job

COUNTS = {"train": {"cat": 10, "dog": 10}}


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets", COUNTS)


def names_of(source):
    """File names with their class, as the source gives them to evaluate."""
    batches = evaluation(source, DataConfig())
    paths = [
        name.decode()
        for batch in batches
        for name, weight in zip(batch["names"], batch["weights"], strict=True)
        if weight
    ]
    return {"/".join(path.split("/")[-2:]) for path in paths}


def add(root, name, seed=99):
    photo(seed, (36, 40)).save(root / "train" / name)


def test_names_are_held_out_again_whatever_is_added_or_gone(root):
    config = folder_config(root, held_out=6)
    first = data.open_data(config)
    held_out, trained = names_of(first.evaluation), names_of(first.train)
    assert (len(held_out), len(trained)) == (6, 14)
    assert first.notes == []
    add(root, "cat/00.jpg")
    gone = min(held_out)
    (root / "train" / gone).unlink()
    (root / "train" / min(trained)).unlink()
    again = data.open_data(config, seed=5, kept=first.split, begins=False)
    assert names_of(again.evaluation) == held_out - {gone}
    assert names_of(again.train) == trained - {min(trained)} | {"cat/00.jpg"}
    assert again.notes == [
        f"1 of the 6 held-out images is gone: {gone}",
        "1 training image is new since the job last began: cat/00.jpg",
        f"1 training image is gone since the job last began: {min(trained)}",
    ]
    # Told once; and what comes back is held out again.
    add(root, gone)
    third = data.open_data(config, kept=again.split)
    assert third.notes == []
    assert names_of(third.evaluation) == held_out


def test_an_image_whose_label_is_mended_stays_held_out(root):
    config = folder_config(root, held_out=6)
    split = data.open_data(config).split
    for number, name in enumerate(split.held_out):
        path = root / "train" / name
        path.rename(path.with_name(f"own name {number}.jpg"))
    split = dataclasses.replace(
        split,
        held_out=[
            f"{name.split('/')[0]}/own name {number}.jpg"
            for number, name in enumerate(split.held_out)
        ],
    )
    moved = next(n for n in split.held_out if n.startswith("cat"))
    target = moved.replace("cat/", "dog/")
    (root / "train" / moved).rename(root / "train" / target)
    opened = data.open_data(config, kept=split)
    assert opened.evaluation.size == 6 and opened.notes == []
    assert target in names_of(opened.evaluation)
    assert target in opened.split.held_out


def test_a_class_that_is_gone_or_new_is_an_error(root):
    config = folder_config(root, held_out=6)
    split = data.open_data(config).split
    (root / "train" / "eel").mkdir()
    add(root, "eel/0.jpg")
    with pytest.raises(InputError) as error:
        data.open_data(config, kept=split)
    assert "class 'eel' of" in line_of(error)
    assert "the 2 classes that the job was begun with;" in line_of(error)
    (root / "train" / "dog").rename(root / "train" / "zebra")
    (root / "train" / "eel" / "0.jpg").unlink()
    (root / "train" / "eel").rmdir()
    with pytest.raises(InputError) as error:
        data.open_data(config, kept=split)
    assert "no folder of the class 'dog'" in line_of(error)


def test_all_held_out_images_gone_is_an_error(root, tmp_path):
    split = data.open_data(folder_config(root, held_out=6)).split
    other = write_folder(tmp_path / "others", {"train": {"cat": 2, "dog": 2}})
    for path in other.rglob("*.jpg"):
        path.rename(path.with_name(f"other {path.name}"))
    with pytest.raises(InputError) as error:
        data.open_evaluation(folder_config(other), kept=split)
    assert "none of the 6 images that the job holds out" in line_of(error)


def test_without_a_folder_to_evaluate_on_a_fifth_is_held_out(root):
    opened = data.open_data(folder_config(root))
    assert (opened.train.size, opened.evaluation.size) == (16, 4)
    held_out = names_of(opened.evaluation)
    assert sorted(name[:3] for name in held_out) == ["cat", "cat", "dog", "dog"]
    (line,) = opened.notes
    assert "a fifth of each class, 4 of 20 images, is held out" in line
    # A job that was trained without evaluation has nothing to evaluate on.
    unmeasured = data.open_data(folder_config(root), evaluate=False)
    assert unmeasured.train.size == 20 and unmeasured.evaluation is None
    with pytest.raises(InputError, match=r"pets/test is not a folder"):
        data.open_data(folder_config(root), kept=unmeasured.split, begins=False)
    # A folder that comes later is not what the job is measured on.
    write_folder(root, {"test": {"cat": 1, "dog": 1}})
    later = data.open_data(folder_config(root), kept=opened.split)
    assert names_of(later.evaluation) == held_out


def test_one_image_of_a_class_is_trained_on(tmp_path):
    root = write_folder(tmp_path / "few", {"train": {"cat": 1, "dog": 2}})
    opened = data.open_data(folder_config(root))
    assert (opened.train.size, opened.evaluation.size) == (2, 1)


def test_sets_that_cannot_change_go_by_number():
    config = DataConfig(held_out=40)
    opened = data.open_data(config, seed=3)
    assert opened.split.training is None
    again = data.open_data(config, seed=4, kept=opened.split)
    np.testing.assert_array_equal(again.evaluation.kept, opened.evaluation.kept)
    # Of other data the job says nothing.
    other = data.open_evaluation(
        DataConfig(train_split="test"), kept=again.split
    )
    assert other.name == "digits, split test"


def test_a_folder_of_classes_alone_is_named(tmp_path):
    root = write_folder(tmp_path, {"pets": {"cat": 5, "dog": 5}}) / "pets"
    with pytest.raises(InputError, match=r"give data\.train_split=\."):
        data.open_data(folder_config(root))
    opened = data.open_data(folder_config(root, train_split="."))
    assert (opened.train.size, opened.evaluation.size) == (8, 2)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A job that holds out 6 of 20 images, after which one is added."""
    folder = tmp_path_factory.mktemp("job")
    root = write_folder(folder / "pets", COUNTS)
    config = small_job(
        folder,
        f"data.source=folder,data.data_dir={root},data.held_out=6",
        "recipe.steps=2",
    )
    result = train(config, folder / "model_dir", quiet=True)
    split = read_split(folder / "model_dir")
    add(root, "cat/00.jpg")
    return config, folder / "model_dir", result, split


def test_a_job_is_measured_on_its_own_held_out_images(job, capsys):
    _, model_dir, result, split = job
    saved = json.loads((model_dir / SPLIT_FILE).read_text())
    assert saved["held_out"] == split.held_out
    assert len(saved["training"]) == 14
    for override in (None, "runtime.seed=7", "data.held_out=12"):
        report = evaluate_job(model_dir, override=override)
        assert report.images == 6
        assert report.top1 == pytest.approx(result.evaluation["accuracy"])
        assert report.loss == pytest.approx(result.evaluation["loss"], abs=1e-5)
    assert "1 training image is new" in capsys.readouterr().err


def test_files_of_a_job_are_measured_so_too(job):
    config, model_dir, _, split = job
    classifier = file_classifier(
        model_dir / "model.keras",
        [model_dir / "config.yaml"],
        "runtime.seed=7,data.held_out=12",
    )
    assert classifier.kept.held_out == split.held_out
    found = data_images(
        config.data, "train", (32, 32), 3, 100, seed=7, kept=split
    )
    assert len(found.pixels) == 15


def test_weights_of_other_classes_bring_no_classifier(job, tmp_path):
    config, model_dir, result, _ = job
    model = config.model.replace(initial_weights=str(model_dir / "model.keras"))
    kernel = np.asarray(result.model.get_layer("logits").kernel)

    def begun(names):
        network = build_network(model, names, steps=3)
        told = initialize(network, model)
        return told, np.asarray(network.get_layer("logits").kernel)

    told, other = begun(["ape", "bee"])
    assert "the file's classes are others: cat, dog" in told
    assert np.abs(other - kernel).max() > 0.01
    told, same = begun(["cat", "dog"])
    assert told.endswith("its classifier included")
    np.testing.assert_array_equal(same, kernel)
    _, turned = begun(["dog", "cat"])
    np.testing.assert_array_equal(turned, kernel[:, ::-1])
