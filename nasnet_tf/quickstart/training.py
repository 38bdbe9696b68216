"""Trains a small NASNet-A on the digits: a training job like any other."""

import math
import shutil

from nasnet_tf.pictures import figures
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.job import train

TITLE = "Training"
NEEDS = ("digits",)

CONFIG = "digits"
EPOCHS = 8
FOLDER = "training"


def configuration(seed: int, epochs: int):
    """The `ExperimentConfig` of the stage: `configs/digits.yaml`.

    Args:
        seed: of weights, shuffling and shifts.
        epochs: passes over the training images.
    """
    config = read_config([CONFIG], f"runtime.seed={seed}")
    config.recipe.epochs = float(epochs)
    if config.recipe.warmup_epochs >= epochs:
        config.recipe.warmup_epochs = 0.0
    return config


def stage(context):
    """Returns the job's `TrainingResult`, and draws its curves."""
    config = configuration(context.seed, context.epochs)
    model_dir = context.out / FOLDER
    # Begin anew; a job of its own would go on where it was.
    shutil.rmtree(model_dir, ignore_errors=True)
    result = train(config, model_dir)
    parameters = sum(
        math.prod(variable.shape)
        for variable in result.model.trainable_variables
    )
    context.say(
        f"NASNet-A with {parameters:,} parameters and "
        f"{len(result.model.plan.cells)} cells, trained from scratch for "
        f"{context.epochs} epochs ({result.step:,} steps) with "
        f"{config.recipe.optimizer.capitalize()}, a {config.recipe.schedule} "
        f"decay and random shifts of up to {config.data.pad} pixels."
    )
    for key in ("accuracy", "loss"):
        context.section.figure(
            _curve(result.history, key), f"{key.capitalize()} over the epochs"
        )
    context.files.update(result.files)
    context.facts.append(("parameters", f"{parameters:,}"))
    context.facts.append(("training", f"{result.seconds:.0f} s"))
    context.metrics.update(
        parameters=parameters,
        training_configuration=config.as_dict(),
        training_seconds=round(result.seconds, 2),
        history=result.history,
    )
    return result


def _curve(history, key):
    figure, axes = figures.new_figure(4.6, 3.0)
    for kind, name, color, style in (
        ("training", "training", figures.ORANGE, "--"),
        ("evaluation", "held out", figures.BLUE, "-"),
    ):
        columns = history[kind]
        axes.plot(
            columns["epoch"],
            columns[key],
            style,
            color=color,
            label=name,
            marker=".",
        )
    if key == "loss":
        axes.set_yscale("log")
    else:
        axes.set_ylim(top=1.02)
    axes.set_xlabel("epoch")
    axes.set_title(key, loc="left")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.2)
    axes.legend(frameon=False, labelcolor=figures.INK)
    return figure
