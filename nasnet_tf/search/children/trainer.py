"""Trains one child after the other, whatever form they have."""

from __future__ import annotations

import abc
import math
import time

import tensorflow as tf

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.data import decoding_errors
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.result import ChildResult


class DivergedError(ArithmeticError):
    """The loss of a child is not a finite number."""


class Children(abc.ABC):
    """A form of children: how a genotype becomes a step and an evaluation.

    Attributes:
        method: what the form is called in a configuration.
        data: the `ChildData`.
    """

    method: str
    data: ChildData

    @abc.abstractmethod
    def begin(self, genotype: Genotype, seed: int) -> tuple:
        """A child with its first weights.

        Args:
            genotype: of the space.
            seed: of the weights.

        Returns:
            `step(images, labels)`, which trains on a batch and returns its
            scalars, and `evaluate()`, which returns the held-out images'
            mean `loss` and `accuracy`.
        """

    @abc.abstractmethod
    def keep(self) -> None:
        """Called when a child was trained to its end, before `end`."""

    @abc.abstractmethod
    def end(self) -> None:
        """Lets go of the child that `begin` made; also where that failed."""


class Trainer:
    """Trains children; see `nasnet_tf.search.children.make_trainer`.

    Args:
        children: the form.

    Attributes:
        method: `"built"`, `"traced"` or `"shared"`.
    """

    def __init__(self, children: Children):
        self.children = children
        self.method = children.method
        self.data = children.data

    def train(self, genotype: Genotype, seed: int) -> ChildResult:
        """Trains a genotype from scratch and judges it.

        On a CPU the result is a function of genotype and seed, bit for bit.

        Args:
            genotype: of the space.
            seed: of weights, order and augmentation.

        Returns:
            What came of it: a child that diverges, does not fit into memory
            or fails otherwise says so in `failure`.

        Raises:
            InputError: an image cannot be read.
        """
        begun = time.monotonic()
        curve: list[dict] = []
        failure, unexpected = None, False
        try:
            with decoding_errors():
                self._train(genotype, seed, curve)
        except InputError:
            # Not the child's fault: the next one would meet it too.
            raise
        except DivergedError as error:
            failure = f"diverged: {error}"
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            failure = f"out of memory: {first_line(error)}"
        # The search goes on, and the record says what it was.
        except Exception as error:
            failure = f"{type(error).__name__}: {first_line(error)}"
            unexpected = True
        finally:
            self.children.end()
        seconds = time.monotonic() - begun
        if failure:
            return ChildResult(0.0, None, curve, seconds, failure, unexpected)
        last = curve[-1]
        return ChildResult(last["accuracy"], last["loss"], curve, seconds)

    def _train(self, genotype, seed, curve):
        data = self.children.data
        batches = data.training_batches(seed)
        step, evaluate = self.children.begin(genotype, seed)
        epoch = max(1, round(data.steps_per_epoch))
        for number in range(1, data.steps + 1):
            loss = float(step(*next(batches))["loss"])
            if not math.isfinite(loss):
                raise DivergedError(f"the loss is {loss} at step {number}")
            if number % epoch == 0 or number == data.steps:
                curve.append({"step": number, **evaluate()})
                if not math.isfinite(curve[-1]["loss"]):
                    raise DivergedError(
                        f"the held-out loss is {curve[-1]['loss']} after "
                        f"{number} steps"
                    )
        self.children.keep()


def evaluation(data: ChildData, evaluation_step) -> dict[str, float]:
    """The means of `make_evaluation_step`'s `loss` and `accuracy`."""
    totals = {"loss": 0.0, "accuracy": 0.0, "examples": 0.0}
    for batch in data.evaluation_batches():
        sums = evaluation_step(*batch)
        for name in totals:
            totals[name] += float(sums[name])
    return {k: totals[k] / totals["examples"] for k in ("loss", "accuracy")}
