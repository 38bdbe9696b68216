"""Trains a small NASNet-A on the digits."""

import dataclasses
import math
import sys
import time

import keras
import numpy as np

import nasnet_tf
from nasnet_tf.quickstart import digits as digits_stage
from nasnet_tf.quickstart import figures

TITLE = "Training"
NEEDS = ("digits",)

EPOCHS = 8
BATCH = 32
LEARNING_RATE = 3e-3
# In pixels of the enlarged image: less than one pixel of the scan.
MAX_SHIFT = 3
NETWORK = {
    "genotype": "NASNET_A",
    "num_cells": 1,
    "penultimate_filters": 192,
    "stem": "cifar",
    "stem_multiplier": 3,
    "batch_norm_momentum": 0.9,
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """The model, the logs of each epoch by name, and the seconds of `fit`."""

    model: nasnet_tf.NASNet
    history: dict[str, list[float]]
    seconds: float


class ShiftedDigits(keras.utils.PyDataset):
    """Batches of randomly shifted digits, in another order every epoch.

    Args:
        images: `(n, height, width, 3)`, uint8.
        labels: `(n,)`.
        batch: images in a batch; what does not fill one waits an epoch.
        seed: of order and shifts.
    """

    def __init__(self, images, labels, batch, seed):
        super().__init__()
        border = (
            (0, 0),
            (MAX_SHIFT, MAX_SHIFT),
            (MAX_SHIFT, MAX_SHIFT),
            (0, 0),
        )
        self.padded = np.pad(images, border, constant_values=digits_stage.PAPER)
        self.labels = labels
        self.batch = batch
        self.height, self.width = images.shape[1:3]
        self.random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.labels) // self.batch

    def __getitem__(self, index):
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        images = np.stack(
            [
                self.padded[
                    n, top : top + self.height, left : left + self.width
                ]
                for n, (top, left) in zip(
                    chosen, self.shifts[chosen], strict=True
                )
            ]
        )
        return scaled(images), self.labels[chosen]

    def on_epoch_end(self):
        total = len(self.labels)
        self.order = self.random.permutation(total)
        self.shifts = self.random.integers(0, 2 * MAX_SHIFT + 1, (total, 2))


def scaled(images: np.ndarray) -> np.ndarray:
    """Images as the model reads them, still a NumPy array."""
    return keras.ops.convert_to_numpy(nasnet_tf.preprocess_input(images))


def build(seed: int) -> nasnet_tf.NASNet:
    """The network that reads digits, with fresh weights."""
    keras.utils.set_random_seed(seed)
    return nasnet_tf.NASNet(
        **NETWORK,
        input_shape=(digits_stage.SIZE, digits_stage.SIZE, 3),
        classes=len(digits_stage.CLASS_NAMES),
        preprocessing="scale",
        class_names=digits_stage.CLASS_NAMES,
        seed=seed,
        name="nasnet_digits",
    )


def train(digits: digits_stage.Digits, seed: int, epochs: int) -> Trained:
    """Trains with Adam, one epoch of warm-up and a cosine decay.

    Args:
        digits: training images, and the held-out ones to measure on.
        seed: of weights, shuffling and shifts.
        epochs: passes over the training images.
    """
    model = build(seed)
    batch = min(BATCH, len(digits.train_labels))
    batches = ShiftedDigits(
        digits.train_images, digits.train_labels, batch, seed
    )
    steps = len(batches)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, steps * (epochs - 1)),
        warmup_target=LEARNING_RATE,
        warmup_steps=steps,
    )
    model.compile(
        keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA takes longer than these few steps.
    )
    start = time.perf_counter()
    history = model.fit(
        batches,
        epochs=epochs,
        validation_data=(
            scaled(digits.held_out_images),
            digits.held_out_labels,
        ),
        shuffle=False,  # ShiftedDigits does it.
        # A moving bar in a terminal, a line an epoch in a log.
        verbose=1 if sys.stdout.isatty() else 2,
    ).history
    return Trained(model, history, time.perf_counter() - start)


def stage(context) -> Trained:
    """Returns the network, trained, and draws its curves."""
    trained = train(context.results["digits"], context.seed, context.epochs)
    model, history = trained.model, trained.history
    parameters = sum(
        math.prod(variable.shape) for variable in model.trainable_variables
    )
    steps = int(model.optimizer.iterations)
    context.say(
        f"NASNet-A with {parameters:,} parameters and "
        f"{len(model.plan.cells)} cells, trained from scratch for "
        f"{context.epochs} epochs ({steps:,} steps) with Adam, a cosine "
        f"decay and random shifts of up to {MAX_SHIFT} pixels."
    )
    for key, label in (("accuracy", "accuracy"), ("loss", "loss")):
        context.section.figure(
            _curve(history[key], history[f"val_{key}"], label),
            f"{label.capitalize()} after each epoch",
        )
    context.facts.append(("parameters", f"{parameters:,}"))
    context.facts.append(("training", f"{trained.seconds:.0f} s"))
    context.metrics.update(
        parameters=parameters,
        network=NETWORK,
        training_seconds=round(trained.seconds, 2),
        history=history,
    )
    return trained


def _curve(train, held_out, label):
    figure, axes = figures.new_figure(4.6, 3.0)
    epochs = range(1, len(train) + 1)
    for values, name, color, style in (
        (train, "training", figures.ORANGE, "--"),
        (held_out, "held out", figures.BLUE, "-"),
    ):
        axes.plot(epochs, values, style, color=color, label=name, marker=".")
    if label == "loss":
        axes.set_yscale("log")
    else:
        axes.set_ylim(top=1.02)
    axes.set_xlabel("epoch")
    axes.set_title(label, loc="left")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.2)
    axes.legend(frameon=False, labelcolor=figures.INK)
    return figure
