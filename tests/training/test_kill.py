"""A job that is killed and started again, as a user would."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.configuration.files import save_config
from nasnet_tf.training import losses
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.network import build_network
from tests.training.jobs import ALL_DRAWS, small_job, variables_of

KILLS = 3


def start(config_file, model_dir):
    command = [sys.executable, "-m", "nasnet_tf.train"]
    command += [f"--config_file={config_file}", f"--model_dir={model_dir}"]
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path.cwd())}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    config = small_job(
        tmp_path,
        ALL_DRAWS,
        "recipe.steps=200,runtime.checkpoint_every_steps=7",
    )
    config_file = tmp_path / "job.yaml"
    save_config(config, config_file)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(config_file, whole))
    metrics = killed / "metrics.jsonl"
    moments = random.Random(1)
    steps = []
    for _ in range(KILLS):
        before = lines(metrics)
        process = start(config_file, killed)
        give_up = time.monotonic() + 120
        # It first drops what came after its checkpoint, then adds.
        time.sleep(3)
        while lines(metrics) <= before and process.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.6))
        assert process.poll() is None, finish(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        steps.append(lines(metrics))
    output = finish(start(config_file, killed))
    print(f"killed after steps {steps}")
    assert "going on from the checkpoint of step" in output
    assert 0 < steps[0] < steps[-1] < 200
    expected, actual = variables_of(whole), variables_of(killed)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)
    assert lines(metrics) == lines(pathlib.Path(whole / "metrics.jsonl"))


@pytest.mark.slow
def test_gradients_with_the_auxiliary_head_are_the_same_each_time():
    # Its map is read by two cells too. TensorFlow adds three gradients in the
    # order in which their memory becomes free.
    config = read_config(["cifar10_small"], "model.auxiliary_head=true")
    keras.utils.set_random_seed(0)
    network = build_network(config.model, [str(n) for n in range(10)], 100)
    images = tf.random.stateless_normal((64, 32, 32, 3), (0, 1))
    labels = tf.one_hot(tf.range(64) % 10, 10)
    variables = [variable.value for variable in network.trainable_variables]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            outputs = network(images, training=True)
            parts = losses.losses(network, outputs, labels, config.recipe, [])
        return tape.gradient(parts["loss"], variables)

    first = [gradient.numpy() for gradient in gradients()]
    for _ in range(30):
        for expected, actual in zip(first, gradients(), strict=True):
            np.testing.assert_array_equal(actual, expected)
