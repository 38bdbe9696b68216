"""Files of version 0.1.0, before its modules moved, go on.

`fixtures/before_rooms.tar.xz` holds a training job and a detection job stopped
at step 2 of 4, a search stopped in its third round, and a saved network.
"""

import pathlib
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from detection.job import run_experiment
from detection.training.job_folder import read_params
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.job import train
from tests.detection.small_jobs import write_records
from tests.search.runs import RL, run_search, small_search

ARCHIVE = pathlib.Path(__file__).parent / "fixtures" / "before_rooms.tar.xz"


@pytest.fixture
def before(tmp_path, monkeypatch):
    """The folder with these files, in which the test runs."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_saved_network(before):
    model = keras.saving.load_model(before / "model.keras")
    assert isinstance(model, nasnet_tf.NASNet)
    assert model(np.zeros((1, 32, 32, 3), "float32")).shape == (1, 10)


@pytest.mark.slow
def test_a_training_job(before):
    folder = before / "training"
    result = train(read_config([folder / "config.yaml"]), folder, quiet=True)
    assert result.complete
    assert result.history["training"]["step"] == [1, 2, 3, 4]


def drawn(result):
    return [(one.decisions, one.reward) for one in result.records]


def test_a_search(before):
    result, trainer = run_search(small_search(RL), before / "search_rl")
    assert result.complete
    assert len(result.records) == 24
    assert len(trainer.trained) == 10
    # Not the digest: it is of the controller's last bits too, and those differ
    # between processors.
    unbroken, _ = run_search(small_search(RL), before / "unbroken")
    assert drawn(result) == drawn(unbroken)


@pytest.mark.slow
def test_a_detection_job(before, capfd):
    write_records(pathlib.Path("scenes"))
    params = read_params(before / "detection")
    run_experiment(params, "train", before / "detection")
    assert "restored from checkpoint" in capfd.readouterr().out
    latest = tf.train.latest_checkpoint(str(before / "detection"))
    assert latest.endswith("ckpt-4")
