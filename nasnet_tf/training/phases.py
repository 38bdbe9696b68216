"""Training in two phases: the classifier alone, then the whole network.

A fresh classifier's first gradients are large and would spoil the features
that the network was loaded for; so at first these stay as they are, batch norm
with its statistics too, and the classifier learns to read them.
"""

import contextlib

from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.optimizer import make_optimizer

CLASSIFIERS = ("logits", "aux_")


def is_classifier(layer) -> bool:
    """Whether a layer of a `NASNet` is of its classifier or auxiliary head."""
    return layer.name.startswith(CLASSIFIERS)


@contextlib.contextmanager
def classifier_only(network: NASNet):
    """Inside, only the classifiers of a network are trainable.

    What is traced inside stays so.
    """
    before = [layer.trainable for layer in network.layers]
    for layer in network.layers:
        layer.trainable = layer.trainable and is_classifier(layer)
    try:
        yield network
    finally:
        for layer, trainable in zip(network.layers, before, strict=True):
            layer.trainable = trainable


def classifier_optimizer(network: NASNet, recipe: RecipeConfig, dtype: str):
    """The optimizer of the first phase, built: a constant rate, no average.

    Args:
        network: whose classifiers it trains.
        recipe: `classifier_learning_rate`, and what `make_optimizer` reads.
        dtype: see `make_optimizer`.
    """
    recipe = recipe.replace(ema_momentum=0.0)
    optimizer = make_optimizer(recipe, recipe.classifier_learning_rate, dtype)
    with classifier_only(network):
        optimizer.build(network.trainable_variables)
    return optimizer


class PhasedStep:
    """Steps of the first phase, then of the second.

    Args:
        classifier: of the first; see `train_function`. It is called, and so
            traced, while the classifiers alone are trainable.
        whole: of the second.
        network: that both train.
        left: steps that are left of the first.
    """

    def __init__(self, classifier, whole, network: NASNet, left: int):
        self._classifier, self._whole = classifier, whole
        self._network, self._left = network, left

    def __call__(self, images, labels):
        if self._left <= 0:
            return self._whole(images, labels)
        self._left -= 1
        with classifier_only(self._network):
            return self._classifier(images, labels)
