"""Writes what small networks compute under the current Keras backend.

`KERAS_BACKEND=jax python -m tests.networks.backend_outputs out.npz`;
test_backends.py compares the files of several backends.
"""

import sys

import keras
import numpy as np

from tests.conftest import images, named, randomize, tiny_network
from tests.networks.test_nasnet import networks


def outputs() -> dict:
    """Inference, training outputs and new statistics of every genotype."""
    results = {}
    for name, genotype in networks().items():
        for padding in ("same", "keras"):
            model = randomize(tiny_network(genotype, padding=padding))
            inputs = images(2, 32, 32, 3)
            key = f"{name}/{padding}"
            results[f"{key}/inference"] = model(inputs, training=False)
            results[f"{key}/training"] = model(inputs, training=True)
            for variable, value in named(model).items():
                if "moving_" in variable:
                    results[f"{key}/{variable}"] = value
    return {k: keras.ops.convert_to_numpy(v) for k, v in results.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **outputs())
