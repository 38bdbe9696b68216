"""The official ImageNet files of `keras.applications`."""

import contextlib
import os
import pathlib
import sys

import keras

from nasnet_tf.cells.genotypes import NASNET_A
from nasnet_tf.cells.plan import make_plan
from nasnet_tf.checks.errors import InputError, first_line

URL = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/"
# By network and whether it has the classifier: name there, name in the cache
# (that of keras.applications), md5.
FILES = {
    ("mobile", True): (
        "NASNet-mobile.h5",
        "nasnet_mobile.h5",
        "020fb642bf7360b370c678b08e0adf61",
    ),
    ("mobile", False): (
        "NASNet-mobile-no-top.h5",
        "nasnet_mobile_no_top.h5",
        "1ed92395b5b598bdda52abe5c0dbfd63",
    ),
    ("large", True): (
        "NASNet-large.h5",
        "nasnet_large.h5",
        "11577c9a518f0070763c2b964a382f17",
    ),
    ("large", False): (
        "NASNet-large-no-top.h5",
        "nasnet_large_no_top.h5",
        "d81d89dc07e6e56530c4e77faddd61b5",
    ),
}


def imagenet_file(model) -> str:
    """The path of the official file for a model, downloaded if need be.

    Args:
        model: NASNet-A mobile or large with 1000 classes or without the top.

    Raises:
        InputError: there is no file for this model, or it cannot be had.
    """
    layers = {layer.name: layer for layer in model.layers}
    top = "logits" in layers
    network = _network(model.plan)
    if network is None:
        raise InputError(
            "weights: 'imagenet' files exist for NASNet-A mobile and large, "
            f"not for {model.name}; give a path, or None and train it"
        )
    channels = model.input_shape[-1]
    if channels != 3:
        raise InputError(
            f"input_shape: {channels} channels with weights 'imagenet'; its "
            "network reads 3, use weights=None for another number"
        )
    if top and layers["logits"].units != 1000:
        raise InputError(
            f"classes: {layers['logits'].units} with weights 'imagenet'; its "
            "classifier has 1000, use include_top=False for another"
        )
    if "aux_logits" in layers:
        raise InputError(
            "auxiliary_head: True with weights 'imagenet'; its file has no "
            "auxiliary head, load a TF-slim checkpoint or turn the head off"
        )
    return _fetch(*FILES[network, top])


def _network(plan):
    for name, num_cells, filters, multiplier, skip in (
        ("mobile", 4, 44, 1, False),
        ("large", 6, 168, 3, True),
    ):
        if plan == make_plan(
            NASNET_A,
            num_cells,
            filters,
            stem_multiplier=multiplier,
            skip_reduction_layer_input=skip,
        ):
            return name
    return None


def _fetch(file, cached, md5):
    home = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    try:
        # A cached file of another md5 is fetched again, not used.
        # Keras tells of a download on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            return keras.utils.get_file(
                cached,
                URL + file,
                cache_subdir="models",
                file_hash=md5,
                cache_dir=home,
            )
    # Keras's download raises plain exceptions.
    except Exception as error:
        raise InputError(
            f"weights: 'imagenet' needs {file}, which could not be fetched "
            f"({first_line(error)}); on a machine with a network fetch "
            f"{URL}{file} and put it here as {home / 'models' / cached} "
            f"(md5 {md5})"
        ) from error
