"""What a child costs: parameters, multiply-adds, and time on a phone."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import statistics
import tempfile
import time

import numpy as np

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.search.config import ChildConfig
from nasnet_tf.zoo.mult_adds import NetworkSize, count_network

# Runs of a file before it is timed, and those that are timed.
WARM_UP = 5
REPEATS = 30
# The paper's children are networks for CIFAR (section 3.1).
_STEM = "cifar"


def child_size(
    genotype: Genotype, child: ChildConfig, classes: int, channels: int = 3
) -> NetworkSize:
    """Parameters and multiply-adds of a child, without building it.

    About 0.05 s, and more the first times; see `mult_adds.count_network`.

    Args:
        genotype: of the child.
        child: its N, F, stem and image size.
        classes: of the classifier.
        channels: of the images.
    """
    return count_network(
        genotype,
        child.num_cells,
        child.filters,
        (child.input_size, child.input_size, channels),
        classes,
        stem=_STEM,
        stem_multiplier=child.stem_multiplier,
    )


def filters_of_size(
    genotype: Genotype,
    child: ChildConfig,
    parameters: int,
    classes: int,
    channels: int = 3,
) -> int:
    """The even F at which a genotype's parameters come nearest to a number.

    Args:
        genotype: of the network.
        child: its N, stem and image size; its F is where the search begins.
        parameters: to come near to.
        classes: of the classifier.
        channels: of the images.
    """

    def distance(filters):
        network = dataclasses.replace(child, filters=filters)
        count = child_size(genotype, network, classes, channels).parameters
        # As a ratio: half as many are as far off as twice as many.
        return abs(math.log(count / parameters))

    # More filters are more parameters: downhill leads to the best.
    filters = child.filters
    for step in (-2, 2):
        while filters + step >= 2 and distance(filters + step) < distance(
            filters
        ):
            filters += step
    return filters


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
        stem=_STEM,
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
