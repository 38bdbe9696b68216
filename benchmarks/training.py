"""Training NASNetMobile beside keras.applications with Keras `fit`.

python benchmarks/training.py
python benchmarks/training.py --rematerialization

Both train 224x224 images in batches of 16 with SGD and momentum. Steps are
timed in one process, a few of ours and a few of `fit` in turn; the first step
(with all tracing) and the peak memory come from a fresh process for each. A
ratio is keras.applications' figure over ours: above 1 ours is better.

`--rematerialization` measures a step of NASNetLarge at 331x331, batch 4, with
and without rematerialisation by cell.
"""

import gc
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import nasnet_tf
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.hardware import processor_name
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.optimizer import make_optimizer
from nasnet_tf.training.step import make_train_step

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds of steps of each.")
_STEPS = flags.DEFINE_integer("steps", 4, "Steps of each in a round.")
_REMATERIALIZATION = flags.DEFINE_boolean(
    "rematerialization", False, "Measure NASNetLarge's memory instead."
)
_OUT = flags.DEFINE_string("out", None, "Write the figures to this JSON file.")
_ALONE = flags.DEFINE_enum(
    "alone",
    None,
    ["ours", "keras", "kept", "rematerialized"],
    "Measure one in this process.",
)
SIZE, BATCH = 224, 16
LARGE_SIZE, LARGE_BATCH = 331, 4
NAMES = ("ours", "keras")
SPEED = "images per second"


def our_steps(model, dataset):
    """A function of n that makes n training steps as the jobs make them."""
    recipe = RecipeConfig()
    step = make_train_step(model, make_optimizer(recipe, 0.01), recipe)
    strategy = tf.distribute.get_strategy()

    @tf.function(autograph=False)
    def run(images, labels):
        return strategy.run(step, args=(images, labels))

    batches = iter(dataset)

    def steps(count):
        for _ in range(count):
            metrics = run(*next(batches))
        return float(metrics["loss"])

    return steps


def keras_steps(model, dataset):
    """The same by `compile` and `fit`."""
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        "categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU is many times slower.
    )

    def steps(count):
        history = model.fit(dataset, steps_per_epoch=count, verbose=0)
        return history.history["loss"][-1]

    return steps


def batches(size, batch):
    """An endless dataset of random images and labels of 1000 classes."""
    images = tf.random.stateless_normal((batch, size, size, 3), (0, 1))
    labels = tf.one_hot(tf.range(batch), 1000)
    return tf.data.Dataset.from_tensors((images, labels)).repeat()


def build(name):
    """The steps of one of the two, on a fresh network."""
    dataset = batches(SIZE, BATCH)
    if name == "keras":
        model = keras.applications.NASNetMobile(weights=None)
        return keras_steps(model, dataset)
    model = nasnet_tf.NASNetMobile(weights=None, classifier_activation=None)
    return our_steps(model, dataset)


def in_turn(rounds, count):
    """Median seconds of a step of each."""
    steps = {name: build(name) for name in NAMES}
    seconds = {name: [] for name in NAMES}
    for function in steps.values():
        function(count)
    for _ in range(rounds):
        for name, function in steps.items():
            start = time.perf_counter()
            function(count)
            seconds[name].append((time.perf_counter() - start) / count)
    return {name: float(np.median(s)) for name, s in seconds.items()}


def alone(name):
    """First step and peak memory of one, in this process."""
    steps = build(name)
    start = time.perf_counter()
    steps(1)
    first = time.perf_counter() - start
    steps(4)
    return {
        "first step (s)": first,
        "peak memory (MiB)": peak_mib(),
    }


def large(rematerialize):
    """Peak memory of NASNetLarge's steps above that before the first."""
    model = nasnet_tf.NASNetLarge(
        weights=None, classifier_activation=None, rematerialize=rematerialize
    )
    steps = our_steps(model, batches(LARGE_SIZE, LARGE_BATCH))
    gc.collect()
    before = resident_mib()
    steps(1)
    start = time.perf_counter()
    steps(2)
    return {
        "memory before the step (MiB)": before,
        "peak memory above it (MiB)": peak_mib() - before,
        "step (s)": (time.perf_counter() - start) / 2,
    }


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mib():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def in_a_process(name):
    command = [sys.executable, __file__, f"--alone={name}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(output.stdout.splitlines()[-1])


def report(rows, columns):
    """Prints the rows and adds the ratio of the second to the first."""
    print(f"{processor_name()}, {os.cpu_count()} cores")
    print(f"{'':34}" + "".join(f"{c:>16}" for c in (*columns, "ratio")))
    ours, peer = columns
    for key, row in rows.items():
        higher_is_better = key == SPEED
        better, worse = (ours, peer) if higher_is_better else (peer, ours)
        row["ratio"] = row[better] / row[worse]
        figures = "".join(f"{row[c]:16.4g}" for c in columns)
        print(f"{key:34}{figures}{row['ratio']:16.2f}")


def main(arguments):
    del arguments
    if _ALONE.value:
        is_large = _ALONE.value not in NAMES
        figures = (
            large(_ALONE.value == "rematerialized")
            if is_large
            else alone(_ALONE.value)
        )
        print(json.dumps(figures))
        return
    columns = ("rematerialized", "kept") if _REMATERIALIZATION.value else NAMES
    separate = {name: in_a_process(name) for name in columns}
    rows = {}
    if not _REMATERIALIZATION.value:
        seconds = in_turn(_ROUNDS.value, _STEPS.value)
        rows["step (s)"] = seconds
        rows[SPEED] = {n: BATCH / s for n, s in seconds.items()}
    for key in separate[columns[0]]:
        rows[key] = {name: separate[name][key] for name in columns}
    report(rows, columns)
    if _OUT.value:
        pathlib.Path(_OUT.value).write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    command_line.run(main)
