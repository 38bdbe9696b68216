"""The loss of a recipe, part by part."""

import keras
import tensorflow as tf

from nasnet_tf.training.config import RecipeConfig


def cross_entropy(labels, logits, label_smoothing=0.0):
    """Softmax cross-entropy of each example: `(batch,)`.

    Args:
        labels: `(batch, classes)` probabilities.
        logits: `(batch, classes)`.
        label_smoothing: s: labels become (1 - s) labels + s / classes.
    """
    return keras.losses.categorical_crossentropy(
        labels, logits, from_logits=True, label_smoothing=label_smoothing
    )


def kernels(model) -> list:
    """The variables that L2 is on: kernels, of no norm and no bias."""
    return [
        variable
        for variable in model.trainable_variables
        if variable.name.endswith("kernel")
    ]


def losses(
    model,
    outputs,
    labels,
    recipe: RecipeConfig,
    regularized,
    class_weights=None,
) -> dict[str, tf.Tensor]:
    """What the recipe adds up, as means over this batch.

    Args:
        model: gives the classifiers' names by its outputs.
        outputs: logits, or a dict of them with the auxiliary head's.
        labels: `(batch, classes)` probabilities.
        recipe: `label_smoothing`, `auxiliary_weight` and `weight_decay` count.
        regularized: of `kernels`.
        class_weights: `(classes,)`: each example's cross-entropy is
            multiplied by its labels' dot product with these, before label
            smoothing, and then averaged over the examples, not over their
            weights; None: by 1.

    Returns:
        Scalars: `cross_entropy`, `auxiliary_loss` (without
        `auxiliary_weight`, with a head only), `l2_loss` (with
        `weight_decay`), and their weighted sum `loss`.
    """
    parts = {}
    if isinstance(outputs, dict):
        parts["auxiliary_loss"] = _mean_loss(
            outputs["aux_predictions"], labels, recipe, class_weights
        )
        outputs = outputs["predictions"]
    parts["cross_entropy"] = _mean_loss(outputs, labels, recipe, class_weights)
    loss = parts["cross_entropy"]
    if "auxiliary_loss" in parts:
        loss += recipe.auxiliary_weight * parts["auxiliary_loss"]
    if recipe.weight_decay:
        squares = [tf.nn.l2_loss(kernel.value) for kernel in regularized]
        parts["l2_loss"] = recipe.weight_decay * tf.add_n(squares)
        loss += parts["l2_loss"]
    return {"loss": loss, **parts}


def _mean_loss(logits, labels, recipe, class_weights):
    loss = cross_entropy(labels, logits, recipe.label_smoothing)
    if class_weights is not None:
        # No matrix product, which a GPU may round to ten bits.
        weights = tf.cast(class_weights, labels.dtype)
        weights = tf.reduce_sum(weights * labels, axis=-1)
        loss *= tf.cast(weights, loss.dtype)
    return tf.reduce_mean(loss)
