"""Our detectors beside Model Garden's ResNet-50-FPN and MobileNet.

python benchmarks/detection.py
python benchmarks/detection.py --image_size=512 --modes=inference \
    --experiments=fasterrcnn_nasnet_large_fpn_coco
python benchmarks/detection.py --large

Parameters, multiply-adds, seconds and memory at one image size, on the
processor. Each detector is built in processes of its own; their calls are made
in turn, and the figures are medians. A ratio is Model Garden's figure over
ours: above 1 ours is smaller or faster. Memory is the most that a process had
resident, less what it had after importing its libraries. Detectors that are
called in turn are in memory at once: 14 GiB for training at 640x640.

Weights are random: in inference all kernels are zero, since those of a network
without training make scores without bounds. Every detector then proposes its
anchors, as many regions as it is set to go through its box head, and of COCO's
classes none is sure enough to be detected. All have the same suppression,
`batched`: Model Garden's own default takes half a minute to trace a loop for
each class. Its MobileNet detector is built without its masks. Training steps
are those of the tasks, by SGD with momentum and a learning rate of 0.

`--large` times the paper's detector on NASNet-A large at 1200x1200 with 300
proposals, beside its floor: its mult-adds at the rate at which this machine
convolves by 1x1. It is to take 3 GiB at most. `--bfloat16`: all convolve in it.
"""

import contextlib
import json
import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags
from measured_detectors import counted, measured

from export.runtime.child_process import ChildError, ChildProcess
from nasnet_tf.checks.arguments import check_choice, check_integer, check_number
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.files.output_file import check_output, written_beside
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.hardware import core_count, processor_name

EXPERIMENTS = [
    "fasterrcnn_nasnet_mobile_fpn_coco",
    "fasterrcnn_nasnet_mobile_coco",
    "retinanet_nasnet_mobile_coco",
]
PEERS = ["fasterrcnn_resnetfpn_coco", "maskrcnn_mobilenet_coco"]
MODES = ["inference", "training"]
LARGE = "fasterrcnn_nasnet_large_coco"
LARGE_SIZE, LARGE_PROPOSALS, LARGE_GIB = 1200, 300, 3
LEAST_ROUNDS = 3
# Key, head of the column, and what of it is printed.
COLUMNS = (
    ("parameters", "parameters (M)", 1e6),
    ("mult_adds", "mult-adds (G)", 1e9),
    ("inference_seconds", "inference (s)", 1),
    ("inference_memory", "memory (MiB)", 2**20),
    ("training_seconds", "training (s)", 1),
    ("training_memory", "memory (MiB)", 2**20),
)


def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if values.out:
        check_output(values.out)
    peers, size, batch = values.peers, values.image_size, values.batch
    if values.large:
        peers, size, batch = [], LARGE_SIZE, 1
        names, modes, seconds = [LARGE], ["inference"], 0.0
    else:
        names, modes = [*peers, *values.experiments], values.modes
        seconds = values.seconds
    rows = compare(names, size, batch, modes, seconds, values.bfloat16)
    print(f"\n{size}x{size} images, batch {batch}\n{format_table(rows)}")
    for peer in peers:
        ratios = {
            name: ratios_to(rows[peer], row)
            for name, row in rows.items()
            if name not in peers
        }
        for name, found in ratios.items():
            rows[name].setdefault("ratios", {})[peer] = found
        if ratios:
            print(f"\n{peer}'s over ours\n{format_ratios(ratios)}")
    if values.out:
        figures = {"image_size": size, "batch": batch, "detectors": rows}
        with written_beside(values.out) as beside:
            beside.write_text(json.dumps(figures, indent=2) + "\n")
    if values.large:
        print(f"\n{large_verdict(rows[LARGE])}")


def compare(
    names, image_size, batch=1, modes=MODES, seconds=30.0, bfloat16=False
) -> dict:
    """Measures detectors at one size.

    Args:
        names: of experiments, ours or Model Garden's.
        image_size: height and width of the images.
        batch: images of a call.
        modes: of `MODES`.
        seconds: of timed calls of each on average; three calls at least.
        bfloat16: whether all convolve in it.

    Returns:
        Figures by name of the detector: what `counted` yields, and what
        `measured` yields with the mode before it; without memory where the
        system does not tell.

    Raises:
        InputError: a name is unknown, or a value is out of range.
        JobError: a detector's process crashed, or its loss is no number.
    """
    check_integer("image_size", image_size)
    check_integer("batch", batch)
    check_number("seconds", seconds, "[0, inf]")
    for mode in modes:
        check_choice("modes", mode, MODES)
    if not names:
        raise InputError("experiments: none given; give one or more")
    rows = {}
    for name in names:
        with _child(counted, name, image_size) as child:
            rows[name] = _answer(name, child.receive)
    for mode in modes:
        found = in_turn(names, mode, image_size, batch, seconds, bfloat16)
        for name, figures in found.items():
            rows[name] |= {
                f"{mode}_{key}": value
                for key, value in figures.items()
                if value is not None
            }
    return rows


def in_turn(names, mode, image_size, batch, seconds, bfloat16=False) -> dict:
    """Figures of one mode, of detectors that are called in turn."""
    with contextlib.ExitStack() as stack:
        children, figures = {}, {}
        # Built one after another: only then is the first call's time its own.
        for name in names:
            children[name] = stack.enter_context(
                _child(
                    measured,
                    name,
                    image_size,
                    mode=mode,
                    batch=batch,
                    bfloat16=bfloat16,
                )
            )
            figures[name] = _answer(name, children[name].receive)
            first = figures[name]["first_call_seconds"]
            print(f"{name}: {mode}, first call {first:.1f} s", flush=True)
        taken = {name: [] for name in names}
        while (
            len(taken[names[0]]) < LEAST_ROUNDS
            or sum(map(sum, taken.values())) < len(names) * seconds
        ):
            for name, child in children.items():
                taken[name].append(_answer(name, child.ask, "call"))
        for name, child in children.items():
            figures[name] |= _answer(name, child.ask, "end")
            figures[name]["calls"] = taken[name]
            figures[name]["seconds"] = float(np.median(taken[name]))
    return figures


def _child(function, experiment, image_size, **arguments):
    return ChildProcess(
        function,
        light=False,
        experiment=experiment,
        image_size=image_size,
        **arguments,
    )


def _answer(experiment, call, *arguments):
    try:
        return call(*arguments)
    except ChildError as error:
        raise JobError(
            f"{experiment} cannot be measured: {error}; where memory is "
            "short, name fewer detectors"
        ) from None


def format_table(rows) -> str:
    """Figures of all detectors, a line each."""
    title = f"{processor_name()}, {core_count()} cores, TF {tf.__version__}"
    heads = [head for key, head, _ in COLUMNS if key in _first(rows)]
    lines = [title, "", _line("", heads)]
    for name, row in rows.items():
        cells = [
            f"{row[key] / unit:.4g}" for key, _, unit in COLUMNS if key in row
        ]
        lines.append(_line(name, cells))
    return "\n".join(lines)


def ratios_to(peer, ours) -> dict[str, float]:
    """The peer's figures over ours."""
    return {key: peer[key] / ours[key] for key, *_ in COLUMNS if key in ours}


def format_ratios(ratios) -> str:
    """A line for each of our detectors, under the columns of the table."""
    return "\n".join(
        _line(name, [f"{ratio:.2f}" for ratio in row.values()])
        for name, row in ratios.items()
    )


def _first(rows):
    return next(iter(rows.values()))


def _line(name, cells):
    return f"{name:34}" + "".join(f"{cell:>15}" for cell in cells)


def large_verdict(row) -> str:
    """One line: the large detector's memory and time.

    Raises:
        JobError: its memory is too much, or not known.
    """
    used = row.get("inference_process_memory", math.nan) / 2**30
    seconds, rate = row["inference_seconds"], row["inference_convolution_rate"]
    operations = 2 * row["mult_adds"]
    floor = operations / rate
    text = (
        f"{LARGE}: {row['proposals']} proposals at {LARGE_SIZE}x{LARGE_SIZE} "
        f"take {used:.1f} GiB and {seconds:.1f} s an image, "
        f"{seconds / floor:.2f} of {floor:.1f} s: "
        f"{operations / 1e12:.2f} TFLOP at the "
        f"{rate / 1e9:.0f} GFLOP/s of a 1x1 convolution"
    )
    if row["proposals"] != LARGE_PROPOSALS or not used <= LARGE_GIB:
        raise JobError(
            f"{text}; {LARGE_PROPOSALS} are to take {LARGE_GIB} GiB at most"
        )
    return text


if __name__ == "__main__":
    # A child that starts in this folder would take this file for the package.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    flags.DEFINE_list("experiments", EXPERIMENTS, "Detectors of ours.")
    flags.DEFINE_list("peers", PEERS, "Detectors of Model Garden's.")
    flags.DEFINE_integer("image_size", 640, "Height and width in pixels.")
    flags.DEFINE_integer("batch", 1, "Images of a call.")
    flags.DEFINE_list("modes", MODES, "What to measure.")
    flags.DEFINE_float("seconds", 30.0, "Of timed calls of each.")
    flags.DEFINE_boolean("large", False, "Measure the large one.")
    flags.DEFINE_boolean("bfloat16", False, "Convolve in it.")
    flags.DEFINE_string("out", None, "Write the figures to this JSON file.")
    command_line.run(main)
