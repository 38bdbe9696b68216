"""Searches whose children take no time, in this process and in others."""

import hashlib
import os
import signal
import time

from nasnet_tf.search.children.result import ChildResult
from nasnet_tf.search.config_checks import read_search_config
from nasnet_tf.search.loop import search
from nasnet_tf.search.workers.supervision import watch_supervisor
from nasnet_tf.terminal import command_line

SMALL = (
    "space.operations=['identity','conv_1x1','separable_conv_3x3'],"
    "space.num_blocks=1,strategy.name=random,data.source=digits,data.name=null,"
    "data.held_out=100,budget.samples=24,budget.round_size=6,"
    "runtime.tensorboard=false"
)
RL = (
    "strategy.name=rl,strategy.minibatch_size=6,strategy.hidden_units=8,"
    "strategy.learning_rate=0.01"
)

SURROGATE = "strategy.name=surrogate,strategy.random_first=6"


def small_search(*overrides):
    """A search of 4 rounds of 6 samples in a space of 2,304 architectures."""
    return read_search_config(override=",".join([SMALL, *overrides]))


class StandInData:
    """As much as the objective asks for."""

    class_names = tuple("0123456789")
    image_shape = (32, 32, 3)


class StandInTrainer:
    """Children whose accuracy is a function of genotype and seed alone.

    Args:
        seconds: that each takes; half of them twice as long.
        fails: `(genotype, seed)` to the reason of a failure, or None.
    """

    data = StandInData()

    def __init__(self, seconds=0.0, fails=lambda genotype, seed: None):
        self.seconds = seconds
        self.fails = fails
        self.trained = []

    def train(self, genotype, seed):
        self.trained.append(genotype.name)
        digest = hashlib.sha256(f"{genotype.name} {seed}".encode()).digest()
        time.sleep(self.seconds * (1 + digest[0] % 2))
        if failure := self.fails(genotype, seed):
            return ChildResult(0.0, None, [], self.seconds, failure)
        accuracy = int.from_bytes(digest[1:5], "big") / 2**32
        curve = [{"step": 1, "loss": 1 - accuracy, "accuracy": accuracy}]
        return ChildResult(accuracy, 1 - accuracy, curve, self.seconds)


def accuracy_alone(genotype, accuracy):
    """Counting parameters takes longer than all else here."""
    return {"reward": accuracy}


def run_search(config, folder, trainer=None, **arguments):
    trainer = trainer or StandInTrainer()
    arguments.setdefault("judge", accuracy_alone)
    result = search(
        config,
        folder,
        make_trainer=lambda config, space: trainer,
        quiet=True,
        **arguments,
    )
    return result, trainer


def main(arguments):
    """A worker: `python -m tests.search.runs OVERRIDES MODEL_DIR SECONDS`.

    A number after these: children whose seed it divides crash their worker,
    or with the word "hang" after it, do not end.
    """
    watch_supervisor()
    override, model_dir, seconds, *bad = arguments

    def crashes(genotype, seed):
        if bad and seed % int(bad[0]) == 0:
            if bad[1:] == ["hang"]:
                time.sleep(600)
            os.kill(os.getpid(), signal.SIGSEGV)

    trainer = StandInTrainer(float(seconds), fails=crashes)
    result = search(
        read_search_config(override=override),
        model_dir,
        make_trainer=lambda config, space: trainer,
    )
    print(f"digest {result.digest}")


if __name__ == "__main__":
    command_line.run(main)
