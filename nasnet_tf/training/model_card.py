"""The model card of a training job: model_card.md."""

import pathlib
import platform
from collections.abc import Sequence

import keras
import tensorflow as tf
import yaml

from nasnet_tf.checks.errors import listed
from nasnet_tf.files.output_file import written_beside
from nasnet_tf.images.image_reading import image_reading
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.pictures.cell_drawing import draw_genotype
from nasnet_tf.terminal.hardware import hardware_text
from nasnet_tf.terminal.progress import duration_text
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.recipe_text import (
    augmentation_text,
    data_name,
    recipe_sentences,
    weights_text,
)
from nasnet_tf.version import __version__
from nasnet_tf.zoo.mult_adds import count_mult_adds, count_parameters

CELLS_FILE = "cells.svg"
# Pictures of a job that the card shows where they lie beside it.
PICTURES = {
    "curves.png": "Loss, accuracy and learning rate",
    "evaluation.png": "The last evaluation",
    "samples.png": "Training images as the network gets them",
}
LISTED_CLASSES = 20
COLUMNS = {
    "accuracy": "top-1",
    "top_5": "top-5",
    "balanced_accuracy": "balanced accuracy",
    "loss": "cross-entropy",
}


def write_model_card(
    path,
    config: ExperimentConfig,
    model: NASNet,
    training_size: int,
    evaluation_name: str | None,
    evaluation_size: int,
    results: dict[str, dict | None],
    seconds: float,
    steps: int,
    corrupt_images: Sequence[str] = (),
    initial_weights: str | None = None,
    replicas: int = 1,
) -> pathlib.Path:
    """Writes what a network is, how it came to be and what it is good for.

    `cells.svg`, a drawing of the network's cells, is written beside.

    Args:
        path: of the card, such as `model_card.md`; overwritten.
        config: the resolved configuration.
        model: the saved network.
        training_size: images trained on.
        evaluation_name: of the images evaluated on, such as
            `"cifar10, split test"`; None where there was no evaluation.
        evaluation_size: how many.
        results: `TrainingLog.results`: lines of metrics with `step`.
        seconds: that training took, evaluations included.
        steps: that were made.
        corrupt_images: names of those skipped in the last run of the job.
        initial_weights: where training began; by default what `config` says.
        replicas: of the strategy.

    Returns:
        The path.

    Raises:
        InputError: the card or the drawing cannot be written.
    """
    path = pathlib.Path(path)
    draw_genotype(model.genotype, path.with_name(CELLS_FILE))
    measured_on = ""
    if evaluation_name:
        measured_on = f"{evaluation_size:,} images: {evaluation_name}"
    initial_weights = initial_weights or config.model.initial_weights
    sections = {
        "Network": _network(config, model),
        "Data": _data(config, model, training_size, measured_on)
        + _corrupt(corrupt_images),
        "Training": _training(
            config, steps, training_size, initial_weights, model
        ),
        "Results": _results(config, results, measured_on, path.parent),
        "Use": _use(model),
        "Limits": _limits(config, results, measured_on),
        "License": _license(),
        "Made with": _made_with(seconds, replicas),
        "Configuration": _configuration(config),
    }
    lines = [f"# {_title(model)} on {data_name(config.data)}"]
    for heading, section in sections.items():
        lines += ["", f"## {heading}", "", *section]
    with written_beside(path, "model_dir") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _title(model):
    settings = model.get_config()
    size = f"{settings['num_cells']} @ {settings['penultimate_filters']}"
    return f"{model.genotype.name} ({size})"


def _network(config, model):
    height, width, channels = model.input_shape[1:]
    settings = model.get_config()
    cells, filters = settings["num_cells"], settings["penultimate_filters"]
    rows = {
        "cells": f"{model.genotype.name}, N = {cells} a group, P = {filters}",
        "stem": f"{settings['stem']}, multiplier "
        f"{settings['stem_multiplier']:g}",
        "parameters": f"{count_parameters(model):,}",
        "mult-adds": f"{count_mult_adds(model):,}",
        "input": f"{height}x{width}, {channels} channels, preprocessing "
        f"`{model.preprocessing}`",
        "reads": _reading(model, (height, width)),
        "classes": _classes(model, settings["classes"]),
    }
    if config.model.preset:
        rows = {"preset": f"`{config.model.preset}`"} | rows
    table = [f"| {key} | {value} |" for key, value in rows.items()]
    return ["| | |", "|---|---|", *table, "", f"![The cells]({CELLS_FILE})"]


def _reading(model, size):
    return f"{image_reading(model, size).describe(size)}, turned as EXIF says"


def _classes(model, count):
    names = model.class_names or []
    listed = ", ".join(_code(name) for name in names[:LISTED_CLASSES])
    more = len(names) - LISTED_CLASSES
    listed += f" and {more:,} more" if more > 0 else ""
    return f"{count:,}: {listed}" if listed else f"{count:,}"


def _code(text):
    """A name of the user's as Markdown that no letter of it can break."""
    text = " ".join(str(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def _data(config, model, training_size, measured_on):
    name = data_name(config.data)
    augmentation = augmentation_text(config.data, model.input_shape[1])
    name = f"images of {name}"
    split = f", split {config.data.train_split}"
    held_out = ""
    if config.data.held_out:
        held_out = f", {config.data.held_out:,} of the split held out"
    if config.data.source == "python":
        name, split = data_name(config.data), ""
        held_out = held_out.replace("the split", "them")
    evaluated = [f"* Evaluated on {measured_on}."] if measured_on else []
    return [
        f"* Trained on {training_size:,} {name}{split}{held_out}.",
        f"* Augmentation: {augmentation}.",
        *evaluated,
    ]


def _corrupt(names):
    if not names:
        return []
    were = "image could" if len(names) == 1 else "images could"
    skipped = "was" if len(names) == 1 else "were"
    return [
        f"* In the last run {len(names):,} {were} not be decoded and {skipped} "
        f"skipped ({listed(names)})."
    ]


def _training(config, steps, training_size, initial_weights, model):
    begun = "Began with random weights."
    if initial_weights:
        source = initial_weights.removeprefix("initial weights: ")
        begun = f"Began with weights: {source}."
    momentum = model.get_config()["batch_norm_momentum"]
    sentences = recipe_sentences(config, steps, training_size, momentum)
    return [f"* {sentence}" for sentence in (begun, *sentences)]


def _results(config, results, measured_on, folder):
    rows = {name: row for name, row in results.items() if row}
    if not rows:
        return ["The network was not evaluated."]
    columns = [key for key in COLUMNS if any(key in r for r in rows.values())]
    headings = ["evaluation", "step", *(COLUMNS[key] for key in columns)]
    table = [headings, ["---"] * len(headings)]
    for name, row in rows.items():
        figures = [_figure(key, row.get(key)) for key in columns]
        table.append([name, f"{row['step']:,}", *figures])
    pictures = [
        f"![{text}]({name})"
        for name, text in PICTURES.items()
        if (folder / name).exists()
    ]
    return [
        f"On {measured_on}; {weights_text(config.recipe)}.",
        "",
        *(f"| {' | '.join(row)} |" for row in table),
        *(line for picture in pictures for line in ("", picture)),
    ]


def _figure(key, value):
    if value is None:
        return "-"
    return f"{value:.4f}" if key == "loss" else f"{100 * value:.2f} %"


def _use(model):
    return [
        "```sh",
        "python -m nasnet_tf.classify photo.jpg --model=model.keras",
        "```",
        "",
        "```python",
        "import keras",
        "import nasnet_tf",
        "",
        'model = keras.saving.load_model("model.keras")',
        "# Files, read and scaled as the network was trained to see them",
        'images = nasnet_tf.read_images(["photo.jpg"], model)',
        "probabilities = model(images, training=False)",
        "```",
    ]


def _limits(config, results, measured_on):
    limits = ["* It knows its classes only, and takes all else for one."]
    if results.get("last"):
        limits.insert(
            0,
            f"* Measured only on {measured_on}; how it does on images of "
            "another origin is unknown.",
        )
    last, best = results.get("last"), results.get("best")
    if last and best and best["step"] != last["step"]:
        limits.append(
            f"* `model.keras` is of the last step. `best.keras` is of step "
            f"{best['step']:,}, whose loss was the lowest; it was chosen on "
            "the images it is measured on, which flatters it."
        )
    return limits


def _license():
    return [
        "The code that made it is under Apache-2.0. The images, and with them "
        "what may be done with weights trained on them, have terms of their "
        "own.",
    ]


def _made_with(seconds, replicas):
    return [
        f"* Time: {duration_text(seconds)} of training and evaluation.",
        f"* Hardware: {hardware_text(replicas)}.",
        f"* Versions: nasnet_tf {__version__}, Keras {keras.__version__}, "
        f"TensorFlow {tf.__version__}, Python {platform.python_version()}.",
    ]


def _configuration(config):
    text = yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True)
    return [
        "<details><summary>As resolved</summary>",
        "",
        "```yaml",
        text.rstrip(),
        "```",
        "",
        "</details>",
    ]
