"""What of a job's network is evaluated, saved and exported.

Its averaged weights, where the recipe keeps them; and batch-norm statistics
that are measured for these weights, where the moving ones lag behind. Training
itself normalises by its batches and is the same with and without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.networks.variables import is_statistic, named_variables
from nasnet_tf.training.checkpoint import averages_by_name
from nasnet_tf.training.momentum_checks import lags
from nasnet_tf.training.strategy import average_statistics

POLICIES = ("auto", "always", "never")


class ServedNetwork:
    """A job's network with the weights and statistics that serve.

    Args:
        network: of the job.
        optimizer: built, whose averages stand for the weights.
        measure: gives the statistics of the network's present weights by the
            names of their variables; None: the moving ones serve.
        policy: of `POLICIES`; with `"auto"` statistics are measured where
            training was short for the momentum.
        first: step that training of the whole network begins at.

    Attributes:
        statistics: by name, variables of the statistics that serve; empty
            where none are ever measured. A checkpoint holds them.
    """

    def __init__(
        self,
        network,
        optimizer,
        measure: Callable[[], dict[str, np.ndarray]] | None = None,
        policy: str = "auto",
        first: int = 0,
    ):
        self.network, self._optimizer, self._first = network, optimizer, first
        self._measure = None if policy == "never" else measure
        self._always = policy == "always"
        self._momentum = network.get_config()["batch_norm_momentum"]
        self._settled: int | None = None
        self.statistics = {}
        if self._measure:
            self.statistics = {
                name: tf.Variable(
                    keras.ops.convert_to_numpy(variable), trainable=False
                )
                for name, variable in named_variables(network).items()
                if is_statistic(name)
            }

    def settle(self, step: int) -> None:
        """To be called by all workers before weights are evaluated or saved.

        Args:
            step: steps done.
        """
        average_statistics(self.network)
        if step <= self._first:
            # The average has not begun.
            for variable, average in self._averages():
                average.assign(variable)
        if self._measure and self._settled != step:
            self._take_statistics(step, self._measure)
        self._settled = step

    def _take_statistics(self, step, measure):
        variables = named_variables(self.network)
        found = {}
        if step > self._first and (
            self._always or lags(self._momentum, step - self._first)
        ):
            with self._assigned(self._averages()):
                found = measure()
        for name, statistic in self.statistics.items():
            value = found.get(name)
            if value is None:
                value = keras.ops.convert_to_numpy(variables[name])
            # Measured ones are float64.
            statistic.assign(value.astype(statistic.dtype.as_numpy_dtype))

    @contextlib.contextmanager
    def applied(self):
        """Inside, the network has what serves; then its own again."""
        variables = named_variables(self.network)
        pairs = [(variables[n], s) for n, s in self.statistics.items()]
        with self._assigned([*self._averages(), *pairs]):
            yield self.network

    def weights(self, step: int) -> dict[str, np.ndarray]:
        """What serves after a step, by name; to be called by all workers."""
        if self._settled != step:
            self.settle(step)
        with self.applied():
            return {
                name: keras.ops.convert_to_numpy(variable)
                for name, variable in named_variables(self.network).items()
            }

    def _averages(self):
        """Pairs of a trainable variable and its average, if kept."""
        averages = averages_by_name(self.network, self._optimizer)
        variables = named_variables(self.network) if averages else {}
        return [(variables[n], average) for n, average in averages.items()]

    @contextlib.contextmanager
    def _assigned(self, pairs):
        kept = [keras.ops.convert_to_numpy(variable) for variable, _ in pairs]
        for variable, value in pairs:
            variable.assign(value)
        try:
            yield
        finally:
            for (variable, _), value in zip(pairs, kept, strict=True):
                variable.assign(value)
