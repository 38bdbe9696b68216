"""Training logs with a clock to set, and what they wrote."""

import json

from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from nasnet_tf.training.training_log import TrainingLog


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def make_log(folder, **arguments):
    defaults = {
        "total_steps": 1000,
        "steps_per_epoch": 312.5,
        "images_per_step": 32,
        "tensorboard": False,
    }
    return TrainingLog(folder, **{**defaults, **arguments})


def lines(folder):
    text = (folder / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def scalars(folder, kind, tag):
    events = EventAccumulator(str(folder / "tensorboard" / kind))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]
