"""Children of a search: traced once, built with the jobs' step, Keras `fit`.

python benchmarks/search_children.py --children=6 --steps=15 --out=children.json

Each random genotype is trained on scikit-learn's digits and evaluated in all
three ways, one after the other in one process. Seconds are of a whole child,
from genotype to accuracy. What the first traced child takes more than the
others, it takes once in a search; `with start` counts it too. A ratio is
children per hour over those of `fit`.
"""

import gc
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from nasnet_tf.files.output_file import check_output, written_beside
from nasnet_tf.search.children.built import BuiltChildren
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.traced.children import TracedChildren
from nasnet_tf.search.children.trainer import Trainer
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.space.cell_space import make_cell_space
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.hardware import processor_name
from nasnet_tf.training.schedules import learning_rate_schedule

_SPACE = flags.DEFINE_enum("space", "A", ["A", "B", "C"], "Search space.")
_CHILDREN = flags.DEFINE_integer("children", 6, "Children of each form.", 2)
_STEPS = flags.DEFINE_integer("steps", 15, "Steps of a child.", 1)
_BATCH = flags.DEFINE_integer("batch_size", 16, "Images a step.", 1)
_CELLS = flags.DEFINE_integer("num_cells", 1, "N.", 1)
_FILTERS = flags.DEFINE_integer("filters", 4, "F.", 2)
_STEM = flags.DEFINE_float("stem_multiplier", 1.0, "Of the stem.")
_THREADS = flags.DEFINE_integer("threads", 1, "Of TensorFlow, for all.", 1)
_OUT = flags.DEFINE_string("out", None, "Write the figures to this JSON file.")
FORMS = ("traced", "built", "fit")


def configuration() -> SearchConfig:
    """The search that the flags describe."""
    config = SearchConfig()
    config.data.override(
        {"source": "digits", "held_out": 200, "augmentation": "none"}
    )
    config.recipe.override(
        {"epochs": None, "steps": _STEPS.value, "batch_size": _BATCH.value}
    )
    config.child.override(
        {
            "num_cells": _CELLS.value,
            "filters": _FILTERS.value,
            "stem_multiplier": _STEM.value,
        }
    )
    return config


def fit(built: BuiltChildren, genotype, seed):
    """Trains and evaluates a child as Keras's guides do."""
    config, data = built.config, built.data
    recipe, classes = config.recipe, len(data.class_names)
    network = built.network(genotype, seed)
    network.compile(
        keras.optimizers.SGD(
            learning_rate_schedule(recipe, data.steps, data.steps_per_epoch),
            momentum=recipe.momentum,
            global_clipnorm=recipe.clip_norm or None,
        ),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU is many times slower.
    )
    network.fit(data.training_dataset, steps_per_epoch=data.steps, verbose=0)
    held_out = data.evaluation_dataset.map(
        lambda images, numbers, weights: (
            images,
            keras.ops.one_hot(numbers, classes),
            weights,
        )
    )
    network.evaluate(held_out, verbose=0)
    gc.collect()


def measure(config: SearchConfig) -> dict[str, list[float]]:
    """Seconds of each child of each form."""
    space = make_cell_space(_SPACE.value)
    data = ChildData(config)
    built = BuiltChildren(config, data)
    trainers = {
        "traced": Trainer(TracedChildren(config, data, space)),
        "built": Trainer(built),
    }
    seconds = {form: [] for form in FORMS}
    samples = space.sample(np.random.default_rng(0), _CHILDREN.value)
    for number, decisions in enumerate(samples):
        genotype = space.genotype(decisions)
        for form in FORMS:
            begun = time.perf_counter()
            if form == "fit":
                fit(built, genotype, number)
            else:
                trainers[form].train(genotype, number)
            seconds[form].append(time.perf_counter() - begun)
        line = "".join(f"{form} {seconds[form][-1]:7.2f} s  " for form in FORMS)
        print(f"child {number}: {line}", flush=True)
    return seconds


def main(arguments):
    command_line.check_no_arguments(arguments)
    if _OUT.value:
        check_output(_OUT.value)
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
    seconds = measure(configuration())
    figures = {}
    for form in FORMS:
        # The first traced child traces; the others' first is as all theirs.
        figures[form] = {
            "first child (s)": seconds[form][0],
            "child (s)": float(np.mean(seconds[form][1:])),
            "children per hour": 3600 / float(np.mean(seconds[form][1:])),
            "with start": 3600 / float(np.mean(seconds[form])),
        }
    rate = figures["fit"]["children per hour"]
    for row in figures.values():
        row["ratio"] = row["children per hour"] / rate
    print(f"{processor_name()}, {os.cpu_count()} cores")
    columns = list(figures["fit"])
    print(f"{'':8}" + "".join(f"{column:>20}" for column in columns))
    for form, row in figures.items():
        print(f"{form:8}" + "".join(f"{row[c]:20.4g}" for c in columns))
    if _OUT.value:
        text = json.dumps({"seconds": seconds, "figures": figures}, indent=2)
        with written_beside(_OUT.value) as beside:
            beside.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    command_line.run(main)
