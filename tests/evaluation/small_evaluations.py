"""A network, images and flags for the tests of `nasnet_tf.evaluate`."""

import types

import numpy as np

from nasnet_tf import evaluate as command
from nasnet_tf.data.source import InMemory
from tests.conftest import tiny_network
from tests.training.jobs import one_block

DIGITS = [str(n) for n in range(10)]


def tiny(**arguments):
    """A network that is quick to trace."""
    return tiny_network(one_block().to_dict(), **arguments)


def some_images():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (5, 32, 32, 3), "uint8")


def source_of(images, class_names, names=None):
    """Images of the first class."""
    names = names or [f"image {n}" for n in range(len(images))]
    labels = np.zeros(len(images), int)
    return InMemory(
        images, labels, names, name="a set", class_names=class_names
    )


def set_flags(monkeypatch, **values):
    """Sets the command's flags."""
    unset = ("model", "model_dir", "config_file", "params_override")
    unset += ("split", "out", "real_labels")
    chosen = {
        **dict.fromkeys(unset),
        "batch_size": 100,
        "averaged": True,
        "match_class_names": True,
        **values,
    }
    monkeypatch.setattr(command.flags, "FLAGS", types.SimpleNamespace(**chosen))
