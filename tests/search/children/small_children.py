"""Children of a search that tests train: N = 1, F = 8, digits."""

import numpy as np
import tensorflow as tf

from nasnet_tf.networks.variables import named_variables
from nasnet_tf.search.children.built import BuiltChildren
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.traced.children import TracedChildren
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.training.losses import cross_entropy


def child_config(child=(), **recipe):
    """A search on digits whose children make three steps of 8 images."""
    config = SearchConfig()
    config.data.override(
        {"source": "digits", "held_out": 40, "augmentation": "none"}
    )
    defaults = {"epochs": None, "steps": 3, "batch_size": 8}
    config.recipe.override({**defaults, "learning_rate": 0.001, **recipe})
    config.child.override({"num_cells": 1, "filters": 8, **dict(child)})
    return config


def both_forms(config, space):
    """The same children, traced once and built."""
    data = ChildData(config)
    return TracedChildren(config, data, space), BuiltChildren(config, data)


def genotypes(space, count, seed=0):
    """Random genotypes of a space."""
    samples = space.sample(np.random.default_rng(seed), count)
    return [space.genotype(decisions) for decisions in samples]


def losses(children, genotype, steps, seed=1):
    """The loss of each of some training steps."""
    batches = children.data.training_batches(seed)
    step, _ = children.begin(genotype, seed)
    return [float(step(*next(batches))["loss"]) for _ in range(steps)]


def first_gradients(traced, built, genotype, seed=1):
    """The first batch's cross-entropy, and its gradients by name, of both."""
    images, labels = next(traced.data.training_batches(seed))
    traced.begin(genotype, seed)
    loss, (kernels, scales) = _gradients(traced.network, images, labels)
    program = traced.program(genotype)
    mine = {
        **program.unpacked("kernels", kernels.numpy()),
        **program.unpacked("scales", scales.numpy()),
    }
    network = built.network(genotype, seed)
    built_loss, values = _gradients(network, images, labels)
    names = {id(v): name for name, v in named_variables(network).items()}
    theirs = {
        names[id(variable)]: (
            np.zeros(variable.shape) if value is None else value.numpy()
        )
        for variable, value in zip(
            network.trainable_variables, values, strict=True
        )
    }
    return float(loss), mine, float(built_loss), theirs


def _gradients(model, images, labels):
    # Traced once: a new function for each child would trace the machine anew.
    if not hasattr(model, "gradients_for_test"):

        @tf.function(autograph=False)
        def gradients(images, labels):
            with tf.GradientTape() as tape:
                logits = model(images, training=True)
                loss = tf.reduce_mean(cross_entropy(labels, logits))
            variables = [v.value for v in model.trainable_variables]
            return loss, tape.gradient(loss, variables)

        object.__setattr__(model, "gradients_for_test", gradients)
    return model.gradients_for_test(images, labels)


def total_error(mine, theirs):
    """The norm of the difference of two gradients over that of one."""
    assert mine.keys() == theirs.keys()
    difference = sum(np.sum((mine[k] - theirs[k]) ** 2) for k in theirs)
    return (difference / sum(np.sum(v**2) for v in theirs.values())) ** 0.5
