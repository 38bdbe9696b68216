"""Which images a job holds out and which classes it has: decided once.

A job keeps it in its folder, by name. Drawn anew from a seed, it would change
with every image that is added or taken away, and what was trained on would be
measured on.
"""

import dataclasses
import json
import pathlib
from collections import Counter
from typing import Self

import numpy as np

from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.data import order
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.source import Source
from nasnet_tf.files.output_file import written_beside

SPLIT_FILE = "images.json"
# Where a folder has nothing to evaluate on, of each class, and of all at most.
HELD_OUT_SHARE = 0.2
MOST_HELD_OUT = 5000
# What says that two configurations mean the same images; not the folder, which
# may have been moved.
_IDENTITY = ("source", "name", "train_split")


@dataclasses.dataclass(frozen=True)
class Split:
    """The images of a train split, as a job uses them.

    Args:
        class_names: by label.
        held_out: what is evaluated on and never trained on: of a folder names
            such as `"cat/1.jpg"`, of a set that cannot change numbers.
        training: the other images of a folder when the job last began; None
            of a set that cannot change.
        identity: which set and split it is of.
    """

    class_names: list[str]
    held_out: list[str] | list[int]
    training: list[str] | None
    identity: dict[str, str | None]

    def describes(self, config: DataConfig) -> bool:
        """Whether it is of the images that a configuration names."""
        return self.identity == _identity(config)

    def is_held_out(self, whole: Source) -> np.ndarray:
        """Whether each example is held out, `(total,)`, bool.

        Args:
            whole: of the train split, as it is now.

        Raises:
            InputError: all of them are gone.
        """
        chosen = np.zeros(len(whole.kept), bool)
        names = whole.image_names()
        if names is None:
            chosen[self.held_out] = True
            return chosen
        places = {name: number for number, name in enumerate(names)}
        found = [places[n] for n in self._held_out_now(names) if n in places]
        if self.held_out and not found:
            raise InputError(
                f"data.data_dir: none of the {len(self.held_out)} images that "
                f"the job holds out is in {whole.name}; restore them, or name "
                "a split to evaluate on other images"
            )
        chosen[found] = True
        return chosen

    def changes(self, whole: Source) -> list[str]:
        """Lines that tell what is gone or new since the job last began."""
        names = whole.image_names()
        if names is None:
            return []
        held_out, now = self._held_out_now(names), set(names)
        training = self.training or []
        gone = [name for name in held_out if name not in now]
        lines = []
        if gone:
            lines.append(
                f"{len(gone):,} of the {len(held_out):,} held-out images "
                f"{'is' if len(gone) == 1 else 'are'} gone: {listed(gone)}"
            )
        known = {*held_out, *training}
        new = [name for name in names if name not in known]
        lost = [name for name in training if name not in now]
        for some, what in ((new, "new"), (lost, "gone")):
            if some:
                images = "image is" if len(some) == 1 else "images are"
                lines.append(
                    f"{len(some):,} training {images} {what} since the job "
                    f"last began: {listed(some)}"
                )
        return lines

    def _held_out_now(self, names):
        """The held-out names, where a file went to another class its new one.

        Else a mended label would make it a training image.
        """
        now = {*names}
        gone = {name for name in self.held_out if name not in now}
        if not gone:
            return self.held_out
        known = {*self.held_out, *(self.training or ())}
        new = [name for name in names if name not in known]
        moved = _by_file_name(new)
        counts = Counter(map(_file_name, gone))
        return [
            moved.get(_file_name(name), name)
            if name in gone and counts[_file_name(name)] == 1
            else name
            for name in self.held_out
        ]

    def updated(self, whole: Source) -> Self:
        """The same, with the training images that are there now."""
        names = whole.image_names()
        if names is None:
            return self
        held_out = self._held_out_now(names)
        kept = {*held_out}
        return dataclasses.replace(
            self,
            held_out=held_out,
            training=[name for name in names if name not in kept],
        )

    def save(self, model_dir) -> None:
        """Writes `images.json`.

        Raises:
            InputError: it cannot be written.
        """
        path = pathlib.Path(model_dir) / SPLIT_FILE
        text = json.dumps(dataclasses.asdict(self), indent=0)
        with written_beside(path, "model_dir") as beside:
            beside.write_text(text + "\n", encoding="utf-8")


def read_split(model_dir) -> Split | None:
    """What a job keeps; None where the folder has none.

    Raises:
        InputError: the file is damaged.
    """
    path = pathlib.Path(model_dir) / SPLIT_FILE
    if not path.is_file():
        return None
    try:
        return Split(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"model_dir: {path}, which says what is held out, cannot be read "
            f"({error}); restore it, or begin in another folder"
        ) from None


def new_split(
    config: DataConfig, whole: Source, seed: int, by_default: bool = False
) -> Split:
    """Decides for a new job.

    Args:
        config: `held_out` says how many, at random.
        whole: of the train split.
        seed: of the choice.
        by_default: where that is 0, hold out a fifth of each class.

    Raises:
        InputError: nothing is left to train on.
    """
    total = len(whole.kept)
    if config.held_out >= total:
        raise InputError(
            f"data.held_out: {config.held_out} leaves none of the {total} "
            f"examples of {whole.name} to train on; give fewer"
        )
    chosen = order.held_out(total, config.held_out, seed)
    if by_default and not config.held_out:
        chosen = _fifth(whole.labels(), seed)
    names = whole.image_names()
    held_out: list[str] | list[int]
    if names is None:
        held_out, training = np.flatnonzero(chosen).tolist(), None
    else:
        held_out = [names[number] for number in np.flatnonzero(chosen)]
        training = [names[number] for number in np.flatnonzero(~chosen)]
    return Split(list(whole.class_names), held_out, training, _identity(config))


def _fifth(labels, seed):
    """Of each class a fifth, one at least, of two and more."""
    share = min(HELD_OUT_SHARE, MOST_HELD_OUT / len(labels))
    chosen = np.zeros(len(labels), bool)
    generator = np.random.default_rng([seed, order.HELD_OUT])
    for label in np.unique(labels):
        numbers = generator.permutation(np.flatnonzero(labels == label))
        count = max(round(share * len(numbers)), 1) if len(numbers) > 1 else 0
        chosen[numbers[:count]] = True
    return chosen


def _identity(config):
    return {key: getattr(config, key) for key in _IDENTITY}


def _file_name(name):
    return name.rpartition("/")[2]


def _by_file_name(names):
    """Those whose file name no other has."""
    counts = Counter(map(_file_name, names))
    return {
        _file_name(name): name
        for name in names
        if counts[_file_name(name)] == 1
    }
