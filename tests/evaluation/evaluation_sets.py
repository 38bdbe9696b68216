"""Predictions and batches for the tests of `nasnet_tf.evaluation`."""

import json

import numpy as np

from nasnet_tf.evaluation import Predictions


def predictions(labels, rows, names=None):
    labels = np.array(labels, "int32")
    rows = np.array(rows, "float32")
    return Predictions(labels, rows, names or [f"{n}" for n in labels])


def random_predictions(classes, count, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    rows = generator.uniform(0, 1, (count, classes))
    rows[np.arange(count), labels] += 0.2
    return predictions(labels, rows / rows.sum(axis=1, keepdims=True))


def imagenet_predictions(predicted, names=None):
    rows = np.zeros((len(predicted), 1000))
    rows[np.arange(len(predicted)), predicted] = 1
    names = names or [
        f"ILSVRC2012_val_{n:08}.JPEG" for n in range(1, len(predicted) + 1)
    ]
    return predictions([0] * len(predicted), rows, names)


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def batches(images, labels, batch_size):
    """As `evaluation_batches` gives them; what fills the last is noise."""
    for start in range(0, len(images), batch_size):
        count = len(labels[start : start + batch_size])
        rows = np.arange(start, start + batch_size) % len(images)
        yield {
            "images": images[rows],
            "labels": labels[rows].astype("int32"),
            "weights": (np.arange(batch_size) < count).astype("float32"),
            "names": np.array([f"image {n}".encode() for n in rows]),
        }


def constant(value):
    """A traced network that gives every class the same value."""
    import tensorflow as tf

    return lambda images: tf.fill((len(images), 6), value)
