"""NASNetMobile at 224x224 beside keras.applications.NASNetMobile.

python benchmarks/classification.py --repeats=20

All have the same weights and run in one process, call by call in turn; the
figures are medians. `folded` is what `nasnet_tf.fold_batch_norm` returns. Build
time, first call and peak memory come from a fresh process for each. A ratio is
keras.applications' figure over ours: above 1 this package is faster or smaller.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import nasnet_tf
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.hardware import processor_name

_REPEATS = flags.DEFINE_integer("repeats", 20, "Timed calls of each.")
_BATCHES = flags.DEFINE_list("batches", ["1", "16"], "Batch sizes.")
_OUT = flags.DEFINE_string("out", None, "Write the figures to this JSON file.")
_ALONE = flags.DEFINE_enum(
    "alone", None, ["ours", "keras"], "Measure one model in this process."
)
SIZE = 224
TRAINING_BATCH = 16
NAMES = ("ours", "keras")


def build(name):
    """One of the two networks, without weights of ImageNet."""
    if name == "ours":
        return nasnet_tf.NASNetMobile(weights=None)
    return keras.applications.NASNetMobile(weights=None)


def inference(model):
    """Inference in a graph."""
    return tf.function(lambda x: model(x, training=False), autograph=False)


def training_step(model):
    """A step of SGD with momentum in a graph."""
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    variables = [variable.value for variable in model.trainable_variables]

    @tf.function(autograph=False)
    def step(x):
        labels = tf.zeros(tf.shape(x)[0], tf.int32)
        with tf.GradientTape() as tape:
            predictions = model(x, training=True)
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(
                    labels, predictions
                )
            )
        optimizer.apply(
            tape.gradient(loss, variables), model.trainable_variables
        )
        return loss

    return step


def interleaved(calls, repeats):
    """Median seconds of each call, taken in turn."""
    seconds = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(s)) for name, s in seconds.items()}


def images(batch):
    """Random images of the benchmark's size."""
    return tf.random.stateless_normal((batch, SIZE, SIZE, 3), (0, batch))


def in_turn(repeats, batches):
    """Seconds of a call of both, by what is called."""
    models = {name: build(name) for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "same.weights.h5")
        models["keras"].save_weights(path)
        nasnet_tf.load_weights(models["ours"], path)
    rows = {}
    functions = {name: inference(model) for name, model in models.items()}
    folded = nasnet_tf.fold_batch_norm(models["ours"])
    functions["folded"] = inference(folded)
    for batch in batches:
        x = images(batch)
        calls = {
            name: lambda f=function, x=x: f(x).numpy()
            for name, function in functions.items()
        }
        rows[f"inference, batch {batch} (s)"] = interleaved(calls, repeats)
    x = images(TRAINING_BATCH)
    steps = {name: training_step(model) for name, model in models.items()}
    calls = {
        name: lambda f=step, x=x: f(x).numpy() for name, step in steps.items()
    }
    rows[f"training step, batch {TRAINING_BATCH} (s)"] = interleaved(
        calls, max(5, repeats // 2)
    )
    return rows


def alone(name):
    """Build time, first calls and peak memory of one network."""
    start = time.perf_counter()
    model = build(name)
    rows = {"build (s)": time.perf_counter() - start}
    start = time.perf_counter()
    function = inference(model)
    function(images(1)).numpy()
    rows["first inference, batch 1 (s)"] = time.perf_counter() - start
    for _ in range(3):
        function(images(16)).numpy()
    rows["peak memory, inference batch 16 (MiB)"] = _peak_mib()
    step = training_step(model)
    start = time.perf_counter()
    step(images(TRAINING_BATCH)).numpy()
    rows["first training step (s)"] = time.perf_counter() - start
    for _ in range(3):
        step(images(TRAINING_BATCH)).numpy()
    rows[f"peak memory, training batch {TRAINING_BATCH} (MiB)"] = _peak_mib()
    return rows


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _alone_in_a_process(name):
    command = [sys.executable, __file__, f"--alone={name}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(output.stdout.splitlines()[-1])


def main(arguments):
    del arguments
    if _ALONE.value:
        print(json.dumps(alone(_ALONE.value)))
        return
    separate = {name: _alone_in_a_process(name) for name in NAMES}
    rows = in_turn(_REPEATS.value, [int(b) for b in _BATCHES.value])
    for key in separate["ours"]:
        rows[key] = {name: separate[name][key] for name in NAMES}
    print(
        f"{processor_name()}, {os.cpu_count()} cores, keras {keras.__version__}"
    )
    columns = ("keras", "ours", "ratio", "folded", "ratio")
    print(f"{'':38}" + "".join(f"{column:>10}" for column in columns))
    for key, row in rows.items():
        figures = f"{key:38}{row['keras']:10.4g}"
        for name in row.keys() - {"keras"}:
            row[f"{name} ratio"] = row["keras"] / row[name]
        for name in ("ours", "folded"):
            if name in row:
                figures += f"{row[name]:10.4g}{row[f'{name} ratio']:10.2f}"
        print(figures)
    if _OUT.value:
        pathlib.Path(_OUT.value).write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    command_line.run(main)
