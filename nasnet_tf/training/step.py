"""One step of training: a function of model, optimizer and recipe.

The training jobs run it under a strategy; the search trains its children with
it.
"""

import keras
import tensorflow as tf

from nasnet_tf.layers import drop_path_scope
from nasnet_tf.training import losses
from nasnet_tf.training.config import RecipeConfig

# Keeps the drop path seeds of replicas apart.
_REPLICA_STRIDE = 100_003


def make_train_step(
    model,
    optimizer,
    recipe: RecipeConfig,
    seed=0,
    jit_compile=False,
    class_weights=None,
):
    """A function that makes one step.

    Each replica's gradient is of the mean loss of its examples over the number
    of replicas; they are summed, clipped by the norm of the sum, and applied.

    Args:
        model: a `NASNet` that returns logits; its `trainable_variables` are
            trained.
        optimizer: of `make_optimizer`.
        recipe: the losses and `clip_norm` count.
        seed: of drop path; with the replica's number and the step.
        jit_compile: compile the gradients, not their sum, with XLA.
        class_weights: `(classes,)`; see `losses`.

    Returns:
        `step(images, labels)`, to be called in a replica of the current
        strategy (without one: anywhere), in a `tf.function`. It returns the
        scalars of `losses`, `accuracy` and `gradient_norm` (before clipping;
        0 where float16 overflowed and the step is skipped) of the whole batch.
    """
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    regularized = losses.kernels(model)
    variables = [variable.value for variable in model.trainable_variables]
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    names: list[str] = []

    def gradients(images, labels, step, replica_seed, replicas):
        with tf.GradientTape() as tape:
            with drop_path_scope(step, replica_seed):
                outputs = model(images, training=True)
            parts = losses.losses(
                model, outputs, labels, recipe, regularized, class_weights
            )
            loss = parts["loss"] / replicas
            if scaled:
                loss = optimizer.scale_loss(loss)
        parts["accuracy"] = _accuracy(outputs, labels)
        # This way, since a traced function returns tensors alone.
        names[:] = parts
        scalars = tf.stack([tf.cast(p, loss.dtype) for p in parts.values()])
        # Zeros: of a cell that reads one of its inputs only, the weights that
        # adapt the other one are not connected.
        found = tape.gradient(loss, variables, unconnected_gradients="zero")
        return found, scalars / replicas

    if jit_compile:
        gradients = tf.function(gradients, jit_compile=True, autograph=False)

    def step(images, labels):
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group
        # A copy: apply() raises it.
        iterations = optimizer.iterations.value + 0
        # all_reduce does not take an argument of the function as it is.
        summed, scalars = context.all_reduce(
            tf.distribute.ReduceOp.SUM,
            gradients(
                tf.identity(images),
                tf.identity(labels),
                iterations,
                seed + _REPLICA_STRIDE * replica,
                context.num_replicas_in_sync,
            ),
        )
        # A copy: apply() may double it.
        scale = optimizer.dynamic_scale.value + 0 if scaled else 1.0
        norm = tf.linalg.global_norm(summed)
        if recipe.clip_norm:
            summed, _ = tf.clip_by_global_norm(
                summed, tf.cast(recipe.clip_norm * scale, norm.dtype), norm
            )
        optimizer.apply(summed, model.trainable_variables)
        metrics = dict(zip(names, tf.unstack(scalars), strict=True))
        norm /= tf.cast(scale, norm.dtype)
        if scaled:
            norm = tf.where(tf.math.is_finite(norm), norm, 0)
        return {**metrics, "gradient_norm": norm}

    return step


def make_evaluation_step(model, by_class=False):
    """A function that measures a batch.

    Args:
        model: a `NASNet` that returns logits.
        by_class: whether to count by class too.

    Returns:
        `step(images, labels, weights)`, labels `(batch,)` of class numbers,
        weights `(batch,)` 0 for padding. It returns sums over this replica's
        examples: `loss`, `accuracy`, with more than five classes `top_5`, and
        `examples`; by class, `(classes,)` each, `class_hits` and
        `class_examples`. Of equal logits the lower class counts as the higher.
    """

    def step(images, labels, weights):
        outputs = model(images, training=False)
        if isinstance(outputs, dict):
            outputs = outputs["predictions"]
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs)
        rank = _rank(labels, outputs)
        sums = {"loss": loss, "accuracy": rank < 1}
        if outputs.shape[-1] > 5:
            sums["top_5"] = rank < 5
        sums = {
            name: tf.reduce_sum(weights * tf.cast(values, weights.dtype))
            for name, values in sums.items()
        }
        sums["examples"] = tf.reduce_sum(weights)
        if by_class:
            hits = weights * tf.cast(rank < 1, weights.dtype)
            parts = {"class_hits": hits, "class_examples": weights}
            sums |= {
                name: tf.math.unsorted_segment_sum(
                    values, labels, outputs.shape[-1]
                )
                for name, values in parts.items()
            }
        return sums

    return step


def _rank(labels, logits):
    """How many classes go before the right one: `(batch,)`."""
    own = tf.gather(logits, labels, batch_dims=1)[:, None]
    lower = tf.range(logits.shape[-1]) < labels[:, None]
    before = (logits > own) | ((logits == own) & lower)
    return tf.reduce_sum(tf.cast(before, tf.int32), axis=-1)


def _accuracy(outputs, labels):
    if isinstance(outputs, dict):
        outputs = outputs["predictions"]
    hits = tf.argmax(outputs, -1) == tf.argmax(labels, -1)
    return tf.reduce_mean(tf.cast(hits, outputs.dtype))
