"""Images that a program gives: arrays, a `tf.data.Dataset`, a `PyDataset`."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Self

import keras
import tensorflow as tf

from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.given_arrays import GivenArrays, given_arrays, numbered
from nasnet_tf.data.given_stream import (
    GivenStream,
    given_py_dataset,
    kind_of,
)
from nasnet_tf.data.source import Source


@dataclasses.dataclass(frozen=True)
class GivenData:
    """Images to train on, and those to evaluate on, as a program gave them.

    They are checked, but TensorFlow has not seen arrays yet: what is told to
    it before it computes comes first.

    Args:
        train: to train on.
        evaluation: to evaluate on, or None.
        class_names: by label; None: the numbers of the classes of `train`.
    """

    train: GivenArrays | GivenStream
    evaluation: GivenArrays | GivenStream | None = None
    class_names: list[str] | None = None

    @classmethod
    def of(cls, data, evaluation_data=None, class_names=None) -> Self | None:
        """Takes what a program gives; None where that is nothing.

        Args:
            data: `(images, labels)`, arrays: images `(n, height, width, 3)`,
                or 1 channel for grey, uint8 or floats, 0 to 255; labels
                `(n,)`, integers, or `(n, classes)`, one-hot. Or a
                `tf.data.Dataset` of such images with their labels, one at a
                time or in batches, an epoch of them; or a Keras `PyDataset`.
            evaluation_data: the same, or None.
            class_names: by label.

        Raises:
            InputError: it is nothing of these, has no images or bad ones, or
                the labels do not fit; one line.
        """
        if data is None:
            for name, value in (
                ("evaluation_data", evaluation_data),
                ("class_names", class_names),
            ):
                if value is not None:
                    raise InputError(
                        f"{name}: given without data; give data too, or leave "
                        "it out"
                    )
            return None
        names = _checked_names(class_names)
        train = _given("data", data)
        evaluation = None
        if evaluation_data is not None:
            evaluation = _given("evaluation_data", evaluation_data)
        if isinstance(train, GivenArrays):
            names = names or numbered(train.class_count())
            train.check_classes(names)
            if isinstance(evaluation, GivenArrays):
                evaluation.check_classes(names)
        return cls(train, evaluation, names)

    @property
    def in_memory(self) -> bool:
        """Whether all of it are arrays."""
        return not any(isinstance(part, GivenStream) for part in self._parts())

    @property
    def digest(self) -> str | None:
        """Of all arrays and class names; None where the first are none."""
        if isinstance(self.train, GivenStream):
            return None
        digest = hashlib.sha256(repr(self.class_names).encode())
        for part in self._parts():
            if isinstance(part, GivenArrays):
                part.add_to(digest)
        return digest.hexdigest()[:16]

    def configured(self, config: DataConfig) -> dict:
        """What says so in a `data` section, by name.

        Args:
            config: that they are used with.

        Raises:
            InputError: `held_out` contradicts them.
        """
        held_out = f"data.held_out: {config.held_out}"
        if config.held_out and self.evaluation is not None:
            raise InputError(
                f"{held_out} beside evaluation_data; set data.held_out=0, or "
                "leave evaluation_data out"
            )
        if config.held_out and isinstance(self.train, GivenStream):
            raise InputError(
                f"{held_out} of a {self.train.kind}, of which none can be held "
                "out; give them as evaluation_data, and data.held_out=0"
            )
        return {
            "source": "python",
            "name": None,
            "data_dir": None,
            "digest": self.digest,
        }

    def open(self) -> tuple[Source, Source | None]:
        """The sources to train and to evaluate on.

        A `Dataset` whose size or classes nothing tells is read once for that.

        Raises:
            InputError: an image or a label of a `Dataset` is bad.
        """
        train = self.train.source(self.class_names)
        if self.evaluation is None:
            return train, None
        return train, self.evaluation.source(train.class_names)

    def _parts(self):
        return [self.train] + ([self.evaluation] if self.evaluation else [])


def check_same_data(saved: DataConfig, now: DataConfig, model_dir) -> None:
    """Refuses other arrays than what is in a folder was begun with.

    Args:
        saved: what the folder keeps.
        now: what is to go on.
        model_dir: the folder.

    Raises:
        InputError: they differ.
    """
    both = saved.source == now.source == "python"
    if both and saved.digest != now.digest:
        raise InputError(
            "data: other images, labels or class_names than those that "
            f"{model_dir} was begun with (digest {saved.digest} there, "
            f"{now.digest} now); give the same, or another model_dir"
        )


def given_source(
    data, class_names: Sequence[str] | None = None, argument: str = "data"
) -> Source:
    """The source of images that a program gives.

    Args:
        data: see `GivenData.of`.
        class_names: by label.
        argument: what `data` is called.

    Raises:
        InputError: see `GivenData.of`.
    """
    return _given(argument, data).source(_checked_names(class_names))


def _given(argument, data):
    if isinstance(data, tf.data.Dataset):
        return GivenStream(argument, data, data)
    if isinstance(data, keras.utils.PyDataset):
        return given_py_dataset(argument, data)
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return given_arrays(argument, *data)
    raise InputError(
        f"{argument}: {kind_of(data)} is neither (images, labels) nor a "
        "tf.data.Dataset nor a keras.utils.PyDataset; give one of them"
    )


def _checked_names(class_names):
    if class_names is None:
        return None
    is_text = isinstance(class_names, str)
    names = [] if is_text else list(class_names)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"class_names: {class_names!r} is no list of names; give one for "
            "each class, in the order of the labels"
        )
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise InputError(
            f"class_names: {listed(twice)} is there twice; give each class a "
            "name of its own"
        )
    return names
