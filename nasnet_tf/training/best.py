"""The best evaluation of a job: its network, and how long to wait for another.

The best is the one of the lowest loss on the held-out images. What is decided
is a function of the evaluations, so that a resumed job decides the same.
"""

import pathlib
from collections.abc import Callable

import numpy as np

from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.training.metrics_file import METRICS_FILE, read_lines

_FILE = "best.npz"
_STEP = "step"


class BestNetwork:
    """Keeps the weights of the best evaluation, beside the checkpoints.

    Args:
        folder: of the checkpoints.
        start: steps that a resumed job has done.
        patience: evaluations without a lower loss after which training is to
            stop; 0: none.
        first: step from which they count.
        chief: False keeps nothing: of several workers one writes.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        start: int = 0,
        patience: int = 0,
        first: int = 0,
        chief: bool = True,
    ):
        self._path = folder / _FILE
        self._patience, self._first, self._chief = patience, first, chief
        self.step: int | None = None
        self.loss, self._waited = np.inf, 0
        for line in read_lines(folder.parent / METRICS_FILE):
            if line["kind"] == "evaluation" and line["step"] <= start:
                self._judge(line["step"], line.get("loss"))

    @property
    def exhausted(self) -> bool:
        """Whether no better evaluation is waited for any more."""
        return 0 < self._patience <= self._waited

    def add(
        self, step: int, metrics: dict, weights: Callable[[], dict]
    ) -> None:
        """Takes note of an evaluation.

        Args:
            step: of it.
            metrics: with its `loss`.
            weights: gives those that were evaluated; called by all workers
                alike, for reading a variable may take all.

        Raises:
            InputError: they cannot be written.
        """
        if not self._judge(step, metrics.get("loss")):
            return
        values = weights()
        if self._chief:
            make_folder(self._path.parent, "model_dir")
            with written_beside(self._path, "model_dir") as beside:
                with beside.open("wb") as file:
                    np.savez(file, **{_STEP: np.int64(step), **values})

    def weights(self) -> dict | None:
        """The weights that were kept; None where there are none."""
        if self.step is None or not self._path.is_file():
            return None
        with np.load(self._path) as file:
            # Of an evaluation after the checkpoint that the job goes on from.
            if int(file[_STEP]) != self.step:
                return None
            return {name: file[name] for name in file.files if name != _STEP}

    def _judge(self, step, loss):
        if loss is None:
            return False
        if loss < self.loss:
            self.step, self.loss, self._waited = step, loss, 0
            return True
        if step > self._first:
            self._waited += 1
        return False
