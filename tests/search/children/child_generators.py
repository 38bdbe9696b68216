"""What a child process runs in tests; without TensorFlow, which is slow."""

import os

import numpy as np

from export.runtime.child_process import peak_memory


def counts(start):
    """Yields the start, then its sums with the questions."""
    print("what a library prints")
    number = start
    while True:
        question = yield number
        number += int(question)


def crashes():
    """Ends the process without an answer."""
    os.abort()
    yield


def takes(size):
    """Yields the peak memory before and after it filled so many bytes."""
    before = peak_memory()
    taken = np.ones(size // 8)
    yield [before, peak_memory(), taken.nbytes]
