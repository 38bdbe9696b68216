"""A network as a folder: its configuration, its weights and a card."""

import json
import pathlib

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.files.output_folder import check_folder, writing, written_folder
from nasnet_tf.version import __version__

CONFIG, WEIGHTS, CARD = "config.json", "model.weights.h5", "README.md"
FORMAT, FORMAT_VERSION = "nasnet_tf", 1
# How far training has come is no part of the network.
_OF_TRAINING = ("frozen_layers",)
# The header is what the Hugging Face hub reads.
_CARD = """\
---
library_name: nasnet_tf
pipeline_tag: {task}
tags:
- keras
- nasnet
- {task}
---

# {name}

{genotype} ({num_cells} @ {filters}), {parameters:,} parameters, of images
{height} x {width} x {channels}, scaled by `preprocessing="{preprocessing}"`.

```python
import nasnet_tf

model = nasnet_tf.from_preset("{folder}")
images = nasnet_tf.read_images(["photo.jpg"], model)
answers = model.predict(images)
```

Classes: {classes}.

Terms of the weights are those of the images that they were trained on; add
`license:` to the header. Saved by nasnet_tf {version}.
"""


def save_folder(model, out, overwrite: bool = False) -> pathlib.Path:
    """Writes a folder that `nasnet_tf.from_preset` reads.

    Args:
        model: a `NASNet`.
        out: the folder; folders above it are made.
        overwrite: replace an earlier one.

    Returns:
        The absolute path.

    Raises:
        InputError: the model is quantised, or the folder cannot be written.
    """
    config = model.get_config()
    if "quantized_layers" in config:
        raise InputError(
            f"model: {model.name} is quantised; save the model that it was "
            "made of, or this one as a .keras file with save"
        )
    for key in _OF_TRAINING:
        del config[key]
    path = check_folder(out, (CONFIG, WEIGHTS, CARD), overwrite)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "nasnet_tf": __version__,
        "config": config,
    }
    with written_folder(path) as folder, writing(path):
        text = json.dumps(content, indent=1) + "\n"
        (folder / CONFIG).write_text(text, encoding="utf-8")
        model.save_weights(folder / WEIGHTS)
        card = _card(model, config, path.name)
        (folder / CARD).write_text(card, encoding="utf-8")
    return path


def _card(model, config, folder):
    height, width, channels = (n or "any" for n in config["input_shape"])
    top = config["include_top"]
    names = config["class_names"] or []
    listed = ", ".join(" ".join(str(name).split()) for name in names)
    return _CARD.format(
        task="image-classification" if top else "image-feature-extraction",
        name=model.name,
        genotype=model.genotype.name,
        num_cells=config["num_cells"],
        filters=config["penultimate_filters"],
        parameters=model.count_params(),
        height=height,
        width=width,
        channels=channels,
        preprocessing=config["preprocessing"],
        folder=folder,
        classes=(listed or config["classes"]) if top else "none, features only",
        version=__version__,
    )


def read_config(folder: pathlib.Path) -> dict:
    """Keyword arguments of `NASNet` of the network in a folder.

    Args:
        folder: what `save_folder` wrote.

    Raises:
        InputError: it is no such folder, or of a version to come.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(
            f"preset: {folder} holds no {CONFIG}; give a folder that "
            "save_to_preset wrote"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        ours = content.get("format") == FORMAT
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"preset: {path} cannot be read and may be damaged "
            f"({first_line(error)}); fetch or write it again"
        ) from error
    if not ours or not isinstance(content.get("config"), dict):
        raise InputError(
            f"preset: {path} is not of a nasnet_tf network; give a folder that "
            "save_to_preset wrote"
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"preset: {path} has format_version "
            f"{content.get('format_version')!r}, and this nasnet_tf "
            f"{__version__} reads {FORMAT_VERSION}; take another version of "
            "nasnet_tf"
        )
    return content["config"]
