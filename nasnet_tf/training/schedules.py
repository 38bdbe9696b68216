"""The learning rate as a function of the step."""

import keras
from keras import ops

from nasnet_tf.training.config import RecipeConfig


@keras.saving.register_keras_serializable("nasnet_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule, risen to linearly from 0.

    `CosineDecay` of Keras has its own warm-up; the other schedules have none.

    Args:
        schedule: a `LearningRateSchedule`.
        steps: until it is reached.
    """

    def __init__(self, schedule, steps):
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step):
        risen = ops.cast(step, "float32") / self.steps
        return self.schedule(step) * ops.minimum(1.0, risen)

    def get_config(self):
        return {"schedule": self.schedule, "steps": self.steps}


def learning_rate_schedule(
    recipe: RecipeConfig, steps: int, steps_per_epoch: float
):
    """The schedule of a recipe, for Keras's optimizers.

    Args:
        recipe: `schedule`, `learning_rate`, `decay_rate`, `decay_epochs`,
            `staircase` and `warmup_epochs` count.
        steps: of the whole training; the cosine ends there (App. A.1).
        steps_per_epoch: that turns epochs into steps.

    Returns:
        A `LearningRateSchedule`.
    """
    schedules = keras.optimizers.schedules
    rate = recipe.learning_rate
    warmup_steps = round(recipe.warmup_epochs * steps_per_epoch)
    if recipe.schedule == "cosine":
        # Keras counts the cosine's steps from the end of its warm-up.
        decay_steps = max(1, steps - warmup_steps)
        if not warmup_steps:
            return schedules.CosineDecay(rate, decay_steps)
        return schedules.CosineDecay(
            0.0, decay_steps, warmup_target=rate, warmup_steps=warmup_steps
        )
    decay_rate = 1.0 if recipe.schedule == "constant" else recipe.decay_rate
    schedule = schedules.ExponentialDecay(
        rate,
        max(1, round(recipe.decay_epochs * steps_per_epoch)),
        decay_rate,
        staircase=recipe.staircase,
    )
    return WarmUp(schedule, warmup_steps) if warmup_steps else schedule
