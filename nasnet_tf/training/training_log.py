"""What a training job tells: progress, metrics.jsonl, TensorBoard."""

import contextlib
import pathlib
import time
from collections.abc import Callable

import tensorflow as tf

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.files.output_file import written_beside
from nasnet_tf.terminal.progress import ProgressLine
from nasnet_tf.training.event_file import EventFile
from nasnet_tf.training.metrics_file import (
    KINDS,
    METRICS_FILE,
    append_line,
    drop_after,
    read_history,
)
from nasnet_tf.training.pace import Pace
from nasnet_tf.training.progress import evaluation_text, training_parts
from nasnet_tf.training.sample_grid import sample_grid

TENSORBOARD_FOLDER = "tensorboard"
SAMPLES_FILE = "samples.png"


class TrainingLog:
    """The log of a job; a resumed one goes on where its checkpoint was.

    Lines of `metrics.jsonl` and points in TensorBoard of steps after
    `start_step` are dropped first: a job that was killed had not saved these.

    Args:
        model_dir: the folder of the job.
        total_steps: of the whole training.
        steps_per_epoch: a fraction where the images do not fill the batches.
        images_per_step: of all replicas together.
        start_step: steps that the checkpoint holds.
        tensorboard: whether to write TensorBoard's files.
        quiet: prints nothing.
        chief: False makes all methods do nothing: of several workers one
            writes.
        clock: gives seconds.

    Attributes:
        last: the last evaluation's line of `metrics.jsonl`, or None.
        best: the one of the lowest loss, or else of the highest accuracy; or
            None.

    Raises:
        InputError: a file cannot be written, such as on a full disk; so for
            all methods.
    """

    def __init__(
        self,
        model_dir,
        total_steps: int,
        steps_per_epoch: float,
        images_per_step: int,
        start_step: int = 0,
        tensorboard: bool = True,
        quiet: bool = False,
        chief: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._model_dir = pathlib.Path(model_dir)
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._chief = chief
        self._progress = ProgressLine(quiet or not chief)
        self._pace = Pace(start_step, images_per_step, clock)
        self._events: dict[str, EventFile] = {}
        self.last: dict | None = None
        self.best: dict | None = None
        self._earlier_seconds = 0.0
        if not chief:
            return
        with _writable(self._model_dir):
            self._model_dir.mkdir(parents=True, exist_ok=True)
            for line in drop_after(self._metrics_file, start_step):
                self._earlier_seconds = line.get("seconds", 0.0)
                if line["kind"] == "evaluation":
                    self._remember(line)
            folder = self._model_dir / TENSORBOARD_FOLDER
            for kind in KINDS if tensorboard else ():
                self._events[kind] = EventFile(folder / kind, start_step)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def _metrics_file(self):
        return self._model_dir / METRICS_FILE

    @property
    def seconds(self) -> float:
        """That the job took so far: this run, and earlier ones as logged."""
        return self._earlier_seconds + self._pace.seconds

    @property
    def results(self) -> dict[str, dict | None]:
        """The `last` and the `best` evaluation, for the model card."""
        return {"last": self.last, "best": self.best}

    def started(self, step: int) -> None:
        """To be called after the first step, which is traced and compiled.

        Speed and time left count from here.
        """
        self._pace.start(step)

    def aside(self):
        """A context for evaluation and checkpoints.

        Images per second leave it out; the time left has its share of it.
        """
        return self._pace.aside()

    def training(self, step: int, metrics: dict[str, float]) -> None:
        """Logs the training up to this step.

        Args:
            step: steps done.
            metrics: numbers such as `loss`, `accuracy`, `learning_rate`.
        """
        speed = self._pace.images_per_second(step)
        left = self._pace.seconds_left(step, self._total_steps)
        metrics = _floats(metrics)
        measured = {"images_per_second": round(speed, 3)} if speed else {}
        self._record("training", step, measured | metrics)
        self._progress.update(
            training_parts(
                step,
                self._total_steps,
                self._steps_per_epoch,
                metrics,
                speed,
                left,
            )
        )

    def evaluation(self, step: int, metrics: dict[str, float]) -> None:
        """Logs an evaluation after this step.

        Args:
            step: steps done.
            metrics: numbers such as `loss`, `accuracy`, `top_5`.
        """
        metrics = _floats(metrics)
        line = self._record("evaluation", step, metrics)
        self._remember(line)
        self._progress.line(evaluation_text(step, metrics, self.best))

    def images(self, step: int, images) -> None:
        """Shows what the network gets, in `samples.png` and TensorBoard.

        Args:
            step: steps done.
            images: floats `(n, height, width, channels)`, after augmentation
                and preprocessing; see `sample_grid`.
        """
        if not self._chief:
            return
        path = self._model_dir / SAMPLES_FILE
        with self.aside(), _writable(path):
            grid = sample_grid(images)
            with written_beside(path, "model_dir") as beside:
                grid.save(beside, format="png")
            if self._events:
                self._events["training"].image(step, "samples", grid)

    def message(self, text: str) -> None:
        """Prints a line that the progress does not write over."""
        self._progress.line(text)

    def history(self) -> dict[str, dict[str, list]]:
        """All of `metrics.jsonl`; see `read_history`."""
        return read_history(self._metrics_file)

    def close(self) -> None:
        self._progress.close()
        events, self._events = self._events, {}
        for file in events.values():
            with _writable(self._model_dir / TENSORBOARD_FOLDER):
                file.close()

    def _record(self, kind, step, metrics):
        line = {
            "kind": kind,
            "step": int(step),
            "epoch": round(step / self._steps_per_epoch, 4),
            "seconds": round(self.seconds, 3),
            **metrics,
        }
        if self._chief:
            with _writable(self._metrics_file):
                append_line(self._metrics_file, line)
        if self._events:
            with _writable(self._model_dir / TENSORBOARD_FOLDER):
                self._events[kind].scalars(step, metrics)
        return line

    def _remember(self, line):
        self.last = line
        score = _score(line)
        if score is not None and (
            self.best is None or score > _score(self.best)
        ):
            self.best = line


def _score(line):
    """What is better where it is higher; None of an unknown kind."""
    if (loss := line.get("loss")) is not None:
        return -loss
    return line.get("accuracy")


def _floats(metrics):
    return {name: float(value) for name, value in metrics.items()}


@contextlib.contextmanager
def _writable(path):
    """Turns what the system and TensorFlow raise into one line."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None)
        # TensorFlow's is the path, a semicolon and the reason.
        reason = reason or first_line(error).split("; ")[-1]
        raise InputError(
            f"model_dir: {path} cannot be written ({reason}); make room and "
            "run the same command to go on"
        ) from None
