"""The images that children are trained and judged on."""

from __future__ import annotations

import tensorflow as tf

from nasnet_tf import data
from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.given import GivenData
from nasnet_tf.data.reading import configured_reading
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.training.class_weights import class_weights
from nasnet_tf.training.config_checks import check_warmup
from nasnet_tf.training.momentum_checks import lags

# Enough for the statistics of a child, and little beside its training.
STATISTICS_IMAGES = 256


class ChildData:
    """The batches of a training job, for one child after the other.

    The pipeline is built once: it reads the child's seed from a variable.

    Args:
        config: of the search.
        given: the images of `data.source` `"python"`.

    Attributes:
        class_names: by label.
        image_shape: `(height, width, channels)` as the network takes them.
        class_weights: of `nasnet_tf.training.class_weights`.
        steps: of a child's training.
        steps_per_epoch: a fraction where the images do not fill the batches.
        training_dataset: endless `(images, labels)`, of the seed that was
            asked for last.
        evaluation_dataset: the held-out `(images, labels, weights)`.
        statistics_dataset: training images, not augmented, to measure
            batch-norm statistics on before a child is judged; None where that
            is not done.

    Raises:
        InputError: there are no such images, neither steps nor epochs are
            given, or all of them are warm-up.
    """

    def __init__(self, config: SearchConfig, given: GivenData | None = None):
        opened = data.open_data(config.data, config.runtime.seed, given=given)
        size = config.child.input_size
        recipe, preprocessing = config.recipe, config.child.preprocessing
        self.class_names = opened.class_names
        self.class_weights = class_weights(recipe, opened.train)
        self.image_shape = (size, size, opened.train.channels)
        self.steps_per_epoch = opened.train.size / recipe.batch_size
        self.steps = _steps(recipe, self.steps_per_epoch)
        check_warmup(recipe, self.steps, self.steps_per_epoch)
        self._seed = tf.Variable(0, trainable=False, dtype="int64")
        self.training_dataset = data.training_batches(
            opened.train,
            config.data,
            size,
            preprocessing,
            recipe.batch_size,
            recipe.batch_size,
            seed=self._seed,
            float_dtype=config.child.dtype,
        ).with_options(_untuned())
        self.statistics_dataset = None
        if _measures_statistics(config.child, self.steps):
            self.statistics_dataset = (
                data.statistics_batches(
                    opened.train,
                    configured_reading(config.data),
                    size,
                    preprocessing,
                    recipe.batch_size,
                    STATISTICS_IMAGES,
                    # The search's: children are measured on the same
                    # images.
                    config.runtime.seed,
                    float_dtype=config.child.dtype,
                )
                .cache()
                .with_options(_untuned())
            )
        judged_on = opened.evaluation
        assert judged_on is not None  # As `open_data` was not told otherwise.
        evaluation = data.evaluation_batches(
            judged_on,
            configured_reading(config.data),
            size,
            preprocessing,
            recipe.batch_size,
            config.child.dtype,
        ).map(lambda batch: [batch[k] for k in ("images", "labels", "weights")])
        bytes_each = 4 * size * size * opened.train.channels
        if judged_on.size * bytes_each <= config.data.cache_mib * 2**20:
            evaluation = evaluation.cache()
        self.evaluation_dataset = evaluation.with_options(_untuned())

    def training_batches(self, seed: int):
        """An iterator over a child's endless `(images, labels)`.

        They are a function of the seed and the step alone. Only the iterator
        asked for last may be used.
        """
        self._seed.assign(seed)
        return iter(self.training_dataset)

    def evaluation_batches(self):
        """All held-out `(images, labels, weights)`; weight 0 only fills."""
        return iter(self.evaluation_dataset)


def _measures_statistics(child, steps):
    policy = child.recalibrate_batch_norm
    return policy == "always" or (
        policy == "auto" and lags(child.batch_norm_momentum, steps)
    )


def _untuned():
    # What tunes a pipeline sleeps for twice as long each time, 0.01, 0.02 to
    # 5.12 seconds and more, and an iterator ends when it wakes up: a child of 5
    # seconds then takes 5 or 10.
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _steps(recipe, steps_per_epoch):
    if not (recipe.steps or recipe.epochs):
        raise InputError(
            "recipe.epochs: neither epochs nor steps are given; say how long "
            "a child is trained"
        )
    return recipe.steps or max(1, round(recipe.epochs * steps_per_epoch))
