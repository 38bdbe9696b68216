"""What an image of a class counts in the loss."""

import numpy as np

from nasnet_tf.data import Source
from nasnet_tf.training.config import RecipeConfig


def class_weights(recipe: RecipeConfig, source: Source) -> np.ndarray | None:
    """The weights that a recipe asks for.

    Args:
        recipe: `class_weights` counts.
        source: of the training images.

    Returns:
        `(classes,)`, or None where all images count the same.

    Raises:
        InputError: a label has no class, or a file cannot be read.
    """
    if recipe.class_weights == "none":
        return None
    return balanced_weights(source.class_counts())


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """Weights that give all classes the same share of the loss.

    As scikit-learn's `class_weight="balanced"`, which knows the classes that
    have images only: images / (such classes * images of the class). The mean
    over all images is 1.

    Args:
        counts: `(classes,)`, images of each class.

    Returns:
        `(classes,)`; 0 for a class without images.
    """
    counts = np.asarray(counts, "float64")
    found = counts > 0
    even = counts.sum() / max(1, found.sum())
    return np.divide(even, counts, out=np.zeros_like(counts), where=found)
