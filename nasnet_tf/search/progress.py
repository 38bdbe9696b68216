"""What a search tells: progress, metrics, TensorBoard, the best so far."""

import io
import json
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.search.journal.beliefs import Belief
from nasnet_tf.search.journal.durable_files import append, replace, writable
from nasnet_tf.search.journal.file_names import (
    BEST_FILE,
    METRICS_FILE,
    PROBABILITIES_FOLDER,
    TENSORBOARD_FOLDER,
)
from nasnet_tf.search.journal.records import ChildRecord, read_rounds
from nasnet_tf.terminal.progress import ProgressLine, duration_text
from nasnet_tf.training.event_file import EventFile

# So many children make the speed.
_RECENT = 50
# Seconds between lines on a terminal, and in a file.
_EVERY = (1.0, 30.0)
# So many files of probabilities show how a search of any length went.
_MOST_FILES = 200


class SearchLog:
    """The log of a search; a resumed one goes on after its checkpoint.

    Args:
        model_dir: of the search.
        samples: of the whole search.
        round_size: samples of a round.
        rounds: that are done.
        tensorboard: whether to write its files.
        quiet: prints nothing.
        chief: False makes all methods do nothing.
        clock: gives seconds.

    Raises:
        InputError: a file cannot be written; so for all methods.
    """

    def __init__(
        self,
        model_dir,
        samples: int,
        round_size: int,
        rounds: int = 0,
        tensorboard: bool = True,
        quiet: bool = False,
        chief: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._model_dir = pathlib.Path(model_dir)
        self._samples = samples
        self._round_size = round_size
        self._chief = chief
        self._line = ProgressLine(quiet or not chief)
        self._clock = clock
        self._began = clock()
        self._earlier_seconds = 0.0
        self._finished: list[tuple[float, int, int]] = []
        # So that the first progress is shown at once.
        self._told = -max(_EVERY)
        self._mean: float | None = None
        self._race_began: tuple[float, int] | None = None
        self._events: EventFile | None = None
        if chief:
            with writable(self._model_dir / METRICS_FILE):
                self._go_on(rounds)
            if tensorboard:
                self._open_events(rounds)

    def _go_on(self, rounds):
        """Drops the rounds that were logged and not saved."""
        path = self._model_dir / METRICS_FILE
        lines = read_rounds(path)[:rounds]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        if path.exists() and path.read_bytes() != text.encode():
            replace(path, text.encode())
        if lines:
            self._earlier_seconds = lines[-1]["seconds"]
            self._mean = lines[-1]["mean"]

    def _open_events(self, rounds):
        folder = self._model_dir / TENSORBOARD_FOLDER
        with writable(folder):
            self._events = EventFile(folder, rounds * self._round_size)

    def message(self, text: str) -> None:
        """Prints a line that the progress does not write over."""
        self._line.line(text)

    def progress(
        self, samples: int, children: int, best: ChildRecord | None
    ) -> None:
        """Shows how far the search is, not more often than is useful.

        Args:
            samples: that have a reward.
            children: that were trained.
            best: of all so far.
        """
        now = self._clock()
        if not self._finished or self._finished[-1][1] < children:
            self._finished.append((now, children, samples))
            # One more: the first of them only says when the next one began.
            del self._finished[: -_RECENT - 1]
        if self._is_time(now):
            self._line.update(self._parts(samples, children, best))

    def _is_time(self, now):
        """Whether to show something again, which is then done."""
        every = _EVERY[0] if sys.stdout.isatty() else _EVERY[1]
        if not self._chief or now - self._told < every:
            return False
        self._told = now
        return True

    def round(
        self,
        line: dict,
        best: ChildRecord | None,
        probabilities: list[np.ndarray] | None,
    ) -> None:
        """Logs a round after its update.

        Args:
            line: of `metrics.jsonl`: `round`, `samples`, `best`, `mean`,
                `children`, `digest` and the strategy's numbers.
            best: what is recommended; None while all have failed.
            probabilities: of `Strategy.probabilities`, to be kept, or None.
        """
        self._mean = line["mean"]
        if not self._chief:
            return
        seconds = self._earlier_seconds + self._clock() - self._began
        line = {**line, "seconds": round(seconds, 3)}
        if probabilities is not None:
            line["probabilities"] = self._save(line["round"], probabilities)
        path = self._model_dir / METRICS_FILE
        with writable(path):
            append(path, json.dumps(line) + "\n")
        if best:
            self._save_best(best)
        if self._events:
            numbers = {
                name: value
                for name, value in line.items()
                if isinstance(value, (int, float)) and name != "round"
            }
            with writable(self._model_dir / TENSORBOARD_FOLDER):
                self._events.scalars(line["samples"], numbers)
        self._line.line(_round_text(line))
        self._told = self._clock()

    def racing(self, done: int, trainings: int) -> None:
        """Shows how far the race is, not more often than is useful."""
        now = self._clock()
        if not self._is_time(now):
            return
        begun, first = self._race_began = self._race_began or (now, done)
        parts = [f"race: {done:,} of at most {trainings:,} trainings"]
        if done > first:
            left = (now - begun) * (trainings - done) / (done - first)
            parts.append(f"at most {duration_text(left)} left")
        self._line.update(parts)

    def raced(self, race, best: ChildRecord, belief: Belief | None) -> None:
        """Tells what came of the race.

        Args:
            race: a `Race` that is over.
            best: what is recommended.
            belief: of it; None where all failed in the race.
        """
        if not self._chief:
            return
        self._save_best(best)
        if belief is None:
            self._line.line(
                f"race: all {race.racers:,} children failed when they were "
                f"trained again; child {best.child} stays the best"
            )
            return
        apart = "is told apart" if race.told_apart() else "leads"
        self._line.line(
            f"race: {race.done:,} trainings of {race.racers:,} children: child "
            f"{best.child} {apart}, expected {belief.expected:.4f} ± "
            f"{belief.uncertainty:.4f}; trainings of one child differ by "
            f"{race.noise:.4f}"
        )

    def keeps_probabilities(self, number: int) -> bool:
        """Whether those of a round are to be kept; of a long search of some."""
        if not self._chief:
            return False
        rounds = self._samples // self._round_size
        every = max(1, rounds // _MOST_FILES)
        return number % every == 0 or number == rounds - 1

    def close(self) -> None:
        """Ends the line and the files."""
        self._line.close()
        if self._events:
            self._events.close()

    def _parts(self, samples, children, best):
        parts = [f"{samples:,}/{self._samples:,} samples"]
        parts.append(f"{children:,} children")
        if best:
            parts.append(f"best {best.reward:.4f}")
        if self._mean is not None:
            parts.append(f"mean of the round {self._mean:.4f}")
        if len(self._finished) > 1:
            (begun, first, done), (now, last, now_done) = (
                self._finished[0],
                self._finished[-1],
            )
            # Children of a benchmark table take no time.
            seconds = max(now - begun, 1e-6)
            parts.append(f"{3600 * (last - first) / seconds:,.0f} children/h")
            if now_done > done:
                left = seconds * (self._samples - samples) / (now_done - done)
                parts.append(f"{duration_text(left)} left")
        return parts

    def _save(self, number, probabilities):
        folder = self._model_dir / PROBABILITIES_FOLDER
        path = folder / f"round_{number:05}.npz"
        with writable(path):
            folder.mkdir(exist_ok=True)
            content = io.BytesIO()
            np.savez(content, *probabilities)
            replace(path, content.getvalue())
        return f"{PROBABILITIES_FOLDER}/{path.name}"

    def _save_best(self, best):
        path = self._model_dir / BEST_FILE
        if best.genotype:
            text = Genotype.from_dict(best.genotype).to_json()
        else:
            text = json.dumps({"decisions": best.decisions}) + "\n"
        with writable(path):
            replace(path, text.encode())


def _round_text(line):
    parts = [f"round {line['round']}: {line['samples']:,} samples"]
    parts.append(f"best {line['best']:.4f}")
    parts.append(f"mean {line['mean']:.4f}")
    if line.get("entropy") is not None:
        parts.append(f"entropy {line['entropy']:.3f}")
    parts.append(f"{line['trained']} trained")
    if line["failures"]:
        parts.append(f"{line['failures']} failed")
    parts.append(f"{duration_text(line['seconds'])} so far")
    return "  ".join(parts)
