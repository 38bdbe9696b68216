"""How a detector is trained on data of one's own: sizes, batch, rate, length.

Each choice is a value of the experiment with its reason in a line, and each
can be overridden as any other value.
"""

import dataclasses
import math

from detection.preparation.facts import DataFacts
from detection.preparation.network import FIXED_BYTES, OwnNetwork

# A tenth of the objects may be smaller than so many pixels, four positions of
# the finest feature map.
_SMALL = 16
_LEAST_SIDE, _MOST_SIDE, _SIDES = 128, 640, 64
# Without an accelerator: a step at 320 pixels takes six times one at 128.
_MOST_SIDE_ON_CPU = 320
# TensorFlow's oneDNN kernels can crash on a batch of one small image.
_BATCH, _LEAST_BATCH = 8, 2
# How often each image is seen, and the bounds of the steps.
_EPOCHS, _LEAST_STEPS, _MOST_STEPS = 30, 600, 30_000
_LOOPS, _EVALUATIONS = 20, 4
_RATE, _FINE_TUNING_RATE = 2e-3, 1e-3
# Anchors of level l have sides of `anchor_size` 2^l; the middle level is 3.
_MIDDLE = 2**3
_LEAST_ANCHOR, _MOST_ANCHOR = 2.0, 16.0


@dataclasses.dataclass(frozen=True)
class Choice:
    """A value of the experiment.

    Args:
        name: such as `"trainer.train_steps"`.
        value: of it; a number or a list.
        reason: for people, in part of a line.
    """

    name: str
    value: object
    reason: str


def plan(
    facts: DataFacts,
    network: OwnNetwork,
    stride: int,
    memory: float,
    has_accelerator: bool,
) -> list[Choice]:
    """The values of an experiment that fit a data set and a machine.

    Args:
        facts: of the data.
        network: the detector's backbone.
        stride: of the detector's coarsest map: the image's sides are multiples
            of it.
        memory: bytes that there are for training.
        has_accelerator: whether a GPU or the like computes.
    """
    side, why = _side(facts, stride, has_accelerator)
    batch, why_batch = _batch(facts, network, memory, side)
    steps, loop, why_steps = _steps(facts, batch)
    anchor = facts.object_side * side / _MIDDLE
    anchor = round(min(max(anchor, _LEAST_ANCHOR), _MOST_ANCHOR), 1)
    rate = _FINE_TUNING_RATE if network.pretrained else _RATE
    rate = float(f"{rate * math.sqrt(batch / _BATCH):.1e}")
    most = max(20, 10 * math.ceil(facts.most_objects * 1.2 / 10))
    classes = facts.categories
    objects = f"of up to {facts.most_objects} objects in an image"
    learning = "trainer.optimizer_config"
    return [
        Choice(
            "task.model.num_classes",
            classes + 1,
            f"{classes} {'category' if classes == 1 else 'categories'} and the "
            "background",
        ),
        Choice("task.model.input_size", [side, side, 3], why),
        Choice(
            "task.model.anchor.anchor_size",
            anchor,
            f"half of the objects are {facts.object_side * side:.0f} pixels "
            "and more",
        ),
        Choice("task.train_data.global_batch_size", batch, why_batch),
        Choice(
            "task.validation_data.global_batch_size",
            min(batch, max(1, facts.validation_images)),
            f"{facts.validation_images:,} images to evaluate on",
        ),
        Choice("task.train_data.parser.max_num_instances", most, objects),
        Choice("task.validation_data.parser.max_num_instances", most, objects),
        Choice(
            "task.model.detection_generator.max_num_detections", most, objects
        ),
        Choice("trainer.train_steps", steps, why_steps),
        Choice("trainer.steps_per_loop", loop, "so often the loss is told"),
        Choice("trainer.summary_interval", loop, "as often"),
        Choice(
            "trainer.checkpoint_interval",
            steps // _EVALUATIONS,
            "a quarter of the steps",
        ),
        Choice(
            "trainer.validation_interval", steps // _EVALUATIONS, "as often"
        ),
        Choice(
            f"{learning}.learning_rate.cosine.initial_learning_rate",
            rate,
            f"for batches of {batch}, "
            + ("from weights" if network.pretrained else "from nothing"),
        ),
        Choice(
            f"{learning}.learning_rate.cosine.decay_steps",
            steps,
            "to nothing at the end",
        ),
        Choice(
            f"{learning}.warmup.linear.warmup_steps",
            max(1, steps // 20),
            "a twentieth of the steps",
        ),
    ]


def _side(facts, stride, has_accelerator):
    most = _MOST_SIDE if has_accelerator else _MOST_SIDE_ON_CPU
    unit = math.lcm(_SIDES, stride)
    stored = unit * math.ceil(facts.image_side / unit)
    wanted = unit * math.ceil(_SMALL / facts.small_side / unit)
    side = max(_LEAST_SIDE, min(wanted, stored, most))
    if side == wanted or side == _LEAST_SIDE:
        small = facts.small_side * side
        return side, f"nine in ten objects then have {small:.0f} pixels or more"
    if side == stored:
        return side, "as large as the images are"
    where = "" if has_accelerator else " without an accelerator"
    return side, f"the most that is taken{where}; small objects want {wanted}"


def _batch(facts, network, memory, side):
    room = memory - FIXED_BYTES
    fits = int(room / (network.bytes_per_pixel * side**2))
    batch = max(_LEAST_BATCH, min(_BATCH, fits, facts.images))
    if batch == _BATCH:
        return batch, "as memory allows"
    if batch >= facts.images:
        return batch, "all images there are"
    return batch, f"what {memory / 2**30:.1f} GiB of memory have room for"


def _steps(facts, batch):
    wanted = math.ceil(_EPOCHS * facts.images / batch)
    steps = min(max(wanted, _LEAST_STEPS), _MOST_STEPS)
    loop = max(1, steps // (_EVALUATIONS * _LOOPS))
    # Whole loops between evaluations.
    unit = _EVALUATIONS * loop
    steps = unit * math.ceil(steps / unit)
    times = steps * batch / facts.images
    return steps, loop, f"each of {facts.images:,} images {times:,.0f} times"
