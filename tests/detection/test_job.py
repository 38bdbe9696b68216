"""Training jobs of detectors."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from official.core import task_factory

import nasnet_tf
from detection.data.categories import read_categories
from detection.experiments import list_experiments, read_experiment
from detection.job import (
    run_experiment,
    save_params,
    with_preprocessing,
)
from detection.training.job_folder import read_params
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.variables import named_variables
from tests.conftest import line_of, randomize, tiny_network
from tests.detection.small_jobs import (
    EXPERIMENT,
    overrides,
    small_params,
    write_records,
)
from tests.training.jobs import one_block


@pytest.fixture(scope="module")
def scene_records(tmp_path_factory):
    return write_records(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def trained(scene_records, tmp_path_factory):
    """A job of four steps, and its result."""
    model_dir = tmp_path_factory.mktemp("job")
    params = small_params(scene_records)
    return params, model_dir, run_experiment(params, "train", model_dir)


def test_what_a_job_leaves(trained):
    params, model_dir, result = trained
    assert tf.train.latest_checkpoint(str(model_dir)).endswith("ckpt-4")
    expected = with_preprocessing(params, model_dir)
    assert read_params(model_dir).as_dict() == expected.as_dict()
    assert read_categories(model_dir)[10] == "9"
    assert set(result.files) >= {model_dir / "ckpt-4.index"}
    assert result.metrics == {}


def test_images_are_scaled_as_for_the_initial_weights(
    scene_records, trained, tmp_path
):
    weights = tmp_path / "classifier.keras"
    tiny_network(preprocessing="whitening").save(weights)
    params = small_params(scene_records, f",task.initial_weights={weights}")
    decided = with_preprocessing(params, tmp_path)
    assert decided.task.model.backbone.nasnet.preprocessing == "whitening"
    task = task_factory.get_task(params.task)
    nasnet = task.task_config.model.backbone.nasnet
    assert nasnet.preprocessing == "whitening"
    # A job that goes on does not ask for the file, which may be gone.
    save_params(decided, tmp_path)
    weights.unlink()
    again = with_preprocessing(params, tmp_path)
    assert again.task.model.backbone.nasnet.preprocessing == "whitening"
    _, model_dir, _ = trained
    (tmp_path / "old").mkdir()
    file = tmp_path / "old" / "params.yaml"
    text = (model_dir / "params.yaml").read_text()
    assert "        preprocessing: scale\n" in text
    # Before jobs said it, all images were scaled.
    file.write_text(text.replace("        preprocessing: scale\n", ""))
    old = read_params(file.parent).task.model.backbone.nasnet
    assert old.preprocessing == "scale"


def test_a_finished_job_stays_as_it_is(trained):
    params, model_dir, _ = trained
    before = (model_dir / "ckpt-4.index").stat().st_mtime_ns
    run_experiment(params, "train", model_dir)
    assert (model_dir / "ckpt-4.index").stat().st_mtime_ns == before


def test_another_model_in_its_folder_is_one_line(trained, scene_records):
    _, model_dir, _ = trained
    params = small_params(scene_records, ",task.model.rpn_head.num_filters=12")
    with pytest.raises(InputError) as error:
        run_experiment(params, "train", model_dir)
    assert "task.model.rpn_head.num_filters: 8 there, 12 now" in line_of(error)


@pytest.mark.parametrize(
    ("more", "mode", "named"),
    [
        (",task.train_data.input_path=nowhere/a*", "train", "'nowhere/a*'"),
        (
            ",task.validation_data.input_path=nowhere/b*",
            "eval",
            "validation_data",
        ),
        (",task.annotation_file=c.json", "eval", "c.json does not exist"),
        (",task.model.num_classes=4", "train", "set it to 11"),
        (",trainer.summary_interval=3", "train", "trainer.steps_per_loop, 2"),
        ("", "eval", "holds no checkpoint to evaluate"),
        (",trainer.steps_per_loop=0", "train", "0 is not 1 or more"),
        (",task.train_data.global_batch_size=0", "train", "global_batch_size"),
        (",task.train_data.tfds_name=coco/2017", "train", 'input_path=""'),
        (
            ",task.train_data.tfds_name=coco/2017,task.train_data.input_path=''",
            "train",
            "tfds_split: missing",
        ),
        (
            ",trainer.optimizer_config.ema.average_decay=0.9"
            ",trainer.optimizer_config.optimizer.type=adamw_experimental",
            "train",
            "does not work with adamw_experimental",
        ),
        (
            ",task.model.min_level=1",
            "train",
            "min_level: 1 is below",
        ),
        (
            ",task.model.backbone.type=spinenet",
            "train",
            "2 is below the 3 of task.model.backbone.spinenet.min_level",
        ),
        (",task.model.max_level=1", "train", "is above task.model.max_level"),
        (
            ",task.model.backbone.nasnet.max_level=7",
            "train",
            "nasnet.max_level: 7 is not a level",
        ),
        (
            ",task.model.cells_head=true",
            "train",
            "set it to identity",
        ),
        (
            ",task.model.roi_sampler.cascade_iou_thresholds=[0.6]",
            "train",
            "class_agnostic_bbox_pred",
        ),
        (
            ",task.initial_weights=imagenet,task.model.backbone.type=resnet",
            "train",
            "backbone.type 'resnet'; they are for nasnet",
        ),
        (
            ",runtime.distribution_strategy=many",
            "train",
            "runtime.distribution_strategy: 'many' cannot start",
        ),
    ],
)
def test_bad_values_are_one_line(scene_records, tmp_path, more, mode, named):
    with pytest.raises(InputError) as error:
        run_experiment(small_params(scene_records, more), mode, tmp_path)
    assert named in line_of(error)
    assert not list(tmp_path.glob("ckpt*"))


def test_categories_that_differ_are_one_line(scene_records, tmp_path):
    other = tmp_path / "records"
    shutil.copytree(scene_records, other)
    file = other / "categories.json"
    file.write_text(file.read_text().replace('"3"', '"three"'))
    params = small_params(scene_records)
    params.task.validation_data.input_path = f"{other}/validation*"
    with pytest.raises(InputError) as error:
        run_experiment(params, "train_and_eval", tmp_path / "job")
    assert "category 4 is 'three' there and '3'" in line_of(error)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fasterrcnn_nasnet_mobil_coco",), "fasterrcnn_nasnet_mobile_coco"),
        ((EXPERIMENT, (), "task.model.num_clases=3"), "task.model.num_classes"),
        ((EXPERIMENT, (), "trainer.train_steps=abc"), "'abc'"),
        ((EXPERIMENT, (), "task.model.input_size=64"), "write [64]"),
        ((EXPERIMENT, ("nowhere.yaml",)), "nowhere"),
        (
            (EXPERIMENT, (), "task.model.backbone.type=nasnt"),
            "backbone.type: 'nasnt' is unknown; did you mean 'nasnet'",
        ),
    ],
)
def test_bad_configurations_are_one_line(arguments, named):
    with pytest.raises(InputError) as error:
        read_experiment(*arguments)
    assert named in line_of(error)


@pytest.mark.parametrize("name", list_experiments())
def test_experiments_are_whole(name):
    params = read_experiment(name)
    params.validate()
    assert params.task.model.backbone.type == "nasnet"
    assert params.trainer.train_steps > 0
    assert params.task.train_data.is_training


def test_folders_of_other_jobs_are_one_line(tmp_path):
    with pytest.raises(InputError, match=r"holds no params\.yaml"):
        read_params(tmp_path)
    (tmp_path / "params.yaml").write_text("model: 3\n")
    with pytest.raises(InputError) as error:
        read_params(tmp_path)
    assert "is not of a job of detection.train" in line_of(error)
    (tmp_path / "categories.json").write_text(json.dumps([{"id": 1}]))
    with pytest.raises(InputError, match="not a list of COCO categories"):
        read_categories(tmp_path)


def start(model_dir, records, more):
    command = [sys.executable, "-m", "detection.train"]
    command += [f"--experiment={EXPERIMENT}", f"--model_dir={model_dir}"]
    command += ["--mode=train", f"--params_override={overrides(records, more)}"]
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(pathlib.Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def reached_by(folder):
    """The step of its latest checkpoint, or 0: a file of one comes earlier."""
    latest = tf.train.latest_checkpoint(str(folder))
    return int(latest.split("-")[-1]) if latest else 0


@pytest.mark.slow
def test_killed_and_started_again(scene_records, tmp_path):
    more = ",trainer.train_steps=60"
    process = start(tmp_path, scene_records, more)
    give_up = time.monotonic() + 200
    while reached_by(tmp_path) < 6:
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    reached = reached_by(tmp_path)
    assert reached < 60
    process = start(tmp_path, scene_records, more)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert f"restored from checkpoint: {tmp_path}/ckpt-{reached}" in output
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("ckpt-60")


@pytest.mark.slow
def test_a_frozen_backbone_keeps_the_classifiers_features(
    scene_records, tmp_path
):
    """Weights, and moving statistics too."""
    more = ",task.freeze_backbone=true,task.initial_weights={}"
    classifier = randomize(
        nasnet_tf.NASNet(one_block(), 1, 64, input_shape=(64, 64, 3), classes=7)
    )
    file = tmp_path / "classifier.keras"
    classifier.save(file)
    params = small_params(scene_records, more.format(file))
    model_dir = tmp_path / "job"
    run_experiment(params, "train", model_dir)
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(model_dir))
    expected = named_variables(classifier)
    compared = 0
    for key in reader.get_variable_to_shape_map():
        _, found, name = key.partition("backbone/variables_by_name/")
        if not found or "OPTIMIZER_SLOT" in key:
            continue
        name = name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
        name = name.replace(".S", "/")
        assert np.array_equal(reader.get_tensor(key), expected[name]), name
        compared += 1
    assert compared > 60
