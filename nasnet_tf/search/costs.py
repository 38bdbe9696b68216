"""What a child costs beside its size: time on a phone."""

from __future__ import annotations

import pathlib
import statistics
import tempfile
import time

import numpy as np

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.search.config import ChildConfig
from nasnet_tf.search.sizes import STEM

# Runs of a file before it is timed, and those that are timed.
WARM_UP = 5
REPEATS = 30


def check_latency_packages() -> None:
    """Checks for what `litert_latency` needs, before a child is trained.

    Raises:
        InputError: ai-edge-litert is missing.
    """
    check_packages(
        "objective.cost 'latency'",
        {"ai-edge-litert": "ai_edge_litert"},
        "export",
    )


def litert_latency(
    genotype: Genotype,
    child: ChildConfig,
    classes: int,
    channels: int = 3,
    repeats: int = REPEATS,
) -> float:
    """Milliseconds of one image through the child in LiteRT, measured here.

    The child's network with random weights is written as a float32 LiteRT
    file by `export`, with its rewrites for this format, and run on one thread
    of the processor; the median of all runs. Unlike the other costs it
    depends on the machine and on what else runs there. `export` is imported
    here and not with this module: only this cost needs it.

    Args:
        genotype: of the child.
        child: its N, F, stem and image size.
        classes: of the classifier.
        channels: of the images.
        repeats: timed runs.

    Raises:
        InputError: ai-edge-litert is missing, or the network has an operation
            that LiteRT lacks.
    """
    check_latency_packages()
    # No other cost needs `export`.
    from export.runtime.runners import open_runner
    from export.runtime.timing import noise

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "child.tflite"
        path.write_bytes(_litert_file(genotype, child, classes, channels))
        runner = open_runner(path, num_threads=1)
        images = noise(runner, 1, child.input_size)
        seconds = [_run(runner, images) for _ in range(WARM_UP + repeats)]
        runner.close()
    # Runs that something else on the machine disturbed do not count.
    return 1000 * statistics.median(seconds[WARM_UP:])


def _litert_file(genotype, child, classes, channels):
    # As in `litert_latency`.
    from export.formats.litert.writer import write_litert
    from export.graph import read_model
    from export.rewrites import for_format, rewrite

    network = NASNet(
        genotype,
        num_cells=child.num_cells,
        penultimate_filters=child.filters * genotype.filters_divisor,
        stem=STEM,
        stem_multiplier=child.stem_multiplier,
        input_shape=(child.input_size, child.input_size, channels),
        classes=classes,
    )
    graph = read_model(network, (child.input_size, child.input_size))
    return write_litert(rewrite(graph, for_format("litert")))


def _run(runner, images: np.ndarray):
    begun = time.perf_counter()
    runner.run(images, 1)
    return time.perf_counter() - begun
