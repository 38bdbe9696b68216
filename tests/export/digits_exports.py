"""Exports of a small classifier that knows digits, for several tests."""

import keras
import numpy as np
from PIL import Image

from export.job import export_model
from nasnet_tf.data import digits

DATA = {"override": "data.source=digits", "preprocessing": "scale"}


def scaled(pixels):
    return pixels / np.float32(127.5) - 1


def train():
    """A small classifier, no NASNet, that knows digits."""
    keras.utils.set_random_seed(0)
    given = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(12, 5, strides=2, activation="relu")(given)
    x = keras.layers.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = keras.layers.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    answer = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(given, answer, name="trained")
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy"
    )
    data = digits.load()
    model.fit(
        scaled(data.train_images),
        data.train_labels,
        batch_size=64,
        epochs=6,
        verbose=0,
    )
    return model


def exported(source, out, format="litert", quantize="none", **arguments):
    return export_model(
        source, format, out, quantize, **{"quiet": True, **arguments}
    )


def photos(folder, count=100, darkened=1.0):
    """Training digits as files."""
    folder.mkdir()
    for number, image in enumerate(digits.load().train_images[:count]):
        pixels = (image * darkened).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
