"""A configuration in words, for the model card."""

import pathlib

from nasnet_tf.data.config import DataConfig
from nasnet_tf.training.config import ExperimentConfig, RecipeConfig
from nasnet_tf.training.momentum_checks import lags


def data_name(data: DataConfig) -> str:
    """What the images are called."""
    if data.source == "tfds":
        return str(data.name)
    if data.source == "folder":
        return pathlib.Path(str(data.data_dir)).resolve().name
    if data.source == "python":
        return "images given from Python"
    return "scikit-learn's handwritten digits"


def augmentation_text(data: DataConfig, input_size: int) -> str:
    """How training changes the images."""
    parts = []
    if data.augmentation == "cifar":
        if data.upsample:
            side = input_size + 2 * data.pad
            parts.append(f"enlarged to {side}x{side} and cropped at random")
        elif data.pad:
            parts.append(f"padded by {data.pad} pixels and cropped at random")
    elif data.augmentation == "inception":
        parts.append("random crops of 8 to 100 % of the area")
    if data.augmentation != "none" and data.flip:
        parts.append("half of them mirrored")
    if data.augmentation == "cifar" and data.cutout:
        parts.append(f"cutout of {data.cutout}x{data.cutout} pixels")
    if data.augmentation == "inception" and data.color:
        parts.append("random brightness, saturation, hue and contrast")
    if data.rand_augment:
        parts.append(f"RandAugment of factor {data.rand_augment:g}")
    if data.mixup:
        parts.append(f"MixUp of alpha {data.mixup:g}")
    return ", ".join(parts) or "none"


def recipe_sentences(
    config: ExperimentConfig,
    steps: int,
    training_size: int,
    momentum: float = 0.0,
) -> list[str]:
    """How the network was trained, a sentence for each part of the recipe.

    Args:
        config: the resolved configuration.
        steps: that were made.
        training_size: images.
        momentum: of the network's batch norms.
    """
    recipe, model = config.recipe, config.model
    first = 0
    if recipe.classifier_epochs and model.initial_weights:
        first = round(
            recipe.classifier_epochs * training_size / recipe.batch_size
        )
    steps -= first
    epochs = steps * recipe.batch_size / training_size
    measured = model.recalibrate_batch_norm == "always" or (
        model.recalibrate_batch_norm == "auto" and lags(momentum, steps)
    )
    sentences = [
        f"{steps:,} steps of {recipe.batch_size:,} images: "
        f"{_count(epochs, 'epoch')}.",
        f"{_optimizer(recipe)}; {_schedule(recipe)}.",
    ]
    conditional = {
        f"L2 weight decay {recipe.weight_decay:g} on kernels.": (
            recipe.weight_decay
        ),
        f"Label smoothing {recipe.label_smoothing:g}.": recipe.label_smoothing,
        "Class weights: the loss of an image counts in inverse proportion to "
        "the images of its class.": recipe.class_weights == "balanced",
        f"Auxiliary head, its loss weighted {recipe.auxiliary_weight:g}; the "
        "saved network is without it.": model.auxiliary_head,
        f"Dropout {model.dropout_rate:g} before the classifier.": (
            model.dropout_rate
        ),
        "ScheduledDropPath down to a keep probability of "
        f"{model.drop_path_keep_prob:g}.": model.drop_path_keep_prob < 1,
        f"Gradients clipped to a global norm of {recipe.clip_norm:g}.": (
            recipe.clip_norm
        ),
        "Only the classifier was trained; the rest was frozen.": (
            model.freeze == "backbone"
        ),
        _first_phase(recipe): first,
        "To end early after "
        f"{_count(recipe.patience, 'evaluation')} without a lower held-out "
        "loss.": recipe.patience,
        "Batch-norm statistics measured over training images.": measured,
        f"Layers computed in {model.dtype}.": model.dtype != "float32",
    }
    return sentences + [
        text for text, applies in conditional.items() if applies
    ]


def weights_text(recipe: RecipeConfig) -> str:
    """Which weights were evaluated and saved."""
    if recipe.ema_momentum:
        return (
            "the moving average of the weights, of momentum "
            f"{recipe.ema_momentum:.10g}"
        )
    return "the weights as trained, without an average"


def _first_phase(recipe):
    return (
        f"Before these {_count(recipe.classifier_epochs, 'epoch')} of the "
        f"classifier alone, at a rate of {recipe.classifier_learning_rate:g}."
    )


def _optimizer(recipe):
    kind = recipe.optimizer
    if kind == "sgd":
        return f"SGD with momentum {recipe.momentum:g}"
    if kind == "rmsprop":
        epsilon = 1.0 if recipe.epsilon is None else recipe.epsilon
        return (
            f"RMSProp with decay {recipe.rho:g}, momentum "
            f"{recipe.momentum:g}, epsilon {epsilon:g}"
        )
    if kind == "adamw":
        decay = f"{recipe.decoupled_weight_decay:g}"
        return f"AdamW with decoupled weight decay {decay}"
    return "Adam"


def _schedule(recipe):
    rate = f"learning rate {recipe.learning_rate:g}"
    if recipe.warmup_epochs:
        rate += f" after a rise over {_count(recipe.warmup_epochs, 'epoch')}"
    if recipe.schedule == "cosine":
        return f"{rate}, falling as one cosine to 0 at the last step"
    if recipe.schedule == "exponential":
        manner = "at once" if recipe.staircase else "gradually"
        return (
            f"{rate}, times {recipe.decay_rate:g} every "
            f"{_count(recipe.decay_epochs, 'epoch')}, {manner}"
        )
    return f"{rate}, constant"


def _count(number, noun):
    text = f"{round(number, 2):g}"
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"
