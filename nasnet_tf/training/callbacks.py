"""Keras callbacks in a training job."""

import math
from collections.abc import Sequence

import keras

from nasnet_tf.checks.errors import InputError
from nasnet_tf.training.loop import LATEST, Cadence


def check_callbacks(callbacks: Sequence) -> None:
    """Raises `InputError` unless all of them are Keras callbacks."""
    # One alone too, which is no list.
    is_list = isinstance(callbacks, (list, tuple))
    for callback in callbacks if is_list else [callbacks]:
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(
                f"callbacks: {type(callback).__name__} is no "
                "keras.callbacks.Callback; give a list of them"
            )


class JobCallbacks:
    """Calls Keras callbacks as `fit` does, where a job measures itself.

    An epoch of theirs is a whole number of steps, after which jobs evaluate
    and save by default; the last one ends with the job. The means of its
    training are of this run's steps.

    Args:
        callbacks: of `keras.callbacks.Callback`; none: nothing is called.
        network: that they get as their model.
        cadence: of the job.
        optimizer: that they find in it.
    """

    def __init__(
        self,
        callbacks: Sequence,
        network,
        cadence: Cadence,
        optimizer: keras.optimizers.Optimizer | None = None,
    ):
        self._network, self._cadence = network, cadence
        self._list = None
        self._logs: dict[str, float] = {}
        self._trained = 0
        self._in_epoch = False
        if callbacks:
            network.stop_training = False
            # What logs its rate and settings looks here, as after compile().
            network.optimizer = optimizer
            epoch = cadence.epoch_steps
            self._list = keras.callbacks.CallbackList(
                callbacks,
                model=network,
                epochs=math.ceil(cadence.steps / epoch),
                steps=epoch,
                verbose=0,
            )

    @property
    def stopped(self) -> bool:
        """Whether a callback set the model's `stop_training`."""
        return self._list is not None and bool(self._network.stop_training)

    def begin(self) -> None:
        if self._list:
            self._list.on_train_begin()

    def end(self) -> None:
        if self._list:
            self._list.on_train_end(self._logs)

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch ends with a step."""
        if not self._list:
            return False
        whole = step % self._cadence.epoch_steps == 0
        return whole or step == self._cadence.steps

    def before(self, step: int, logged: bool) -> None:
        """To be called before a step.

        Args:
            step: its number, from 1.
            logged: whether `trained` will be called after it.
        """
        if not self._list:
            return
        epoch, batch = self._place(step)
        if not self._in_epoch:
            self._in_epoch, self._logs, self._trained = True, {}, 0
            self._list.on_epoch_begin(epoch)
        if logged:
            self._list.on_train_batch_begin(batch)

    def trained(self, step: int, means: dict[str, float], count: int) -> None:
        """Takes what training measured.

        Args:
            step: steps done.
            means: of the last steps; of a rate the latest value.
            count: how many these were.
        """
        if not self._list:
            return
        total = self._trained + count
        for name, value in means.items():
            before = self._logs.get(name, value)
            if name not in LATEST:
                value = (before * self._trained + value * count) / total
            self._logs[name] = value
        self._trained = total
        self._list.on_train_batch_end(self._place(step)[1], dict(means))

    def evaluated(self, metrics: dict[str, float]) -> None:
        """Takes an evaluation of the epoch; the last one counts."""
        self._logs |= {f"val_{name}": v for name, v in metrics.items()}

    def end_epoch(self, step: int) -> None:
        """To be called where an epoch ends, all else of the step done."""
        if self._list and self._in_epoch:
            self._in_epoch = False
            self._list.on_epoch_end(self._place(step)[0], dict(self._logs))

    def _place(self, step):
        """The epoch of a step and its place there, both from 0."""
        return divmod(step - 1, self._cadence.epoch_steps)
