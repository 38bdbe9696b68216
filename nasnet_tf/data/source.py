"""Where examples come from."""

import abc
import copy

import numpy as np
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import order

# Examples that are looked up at once where nothing sets the number.
_CHUNK = 256
# A source that is read from its beginning is not read further than this many
# times the examples wanted.
_AHEAD = 20


class Source(abc.ABC):
    """Images with labels.

    An example is a dict of

        image   uint8 or float32 (height, width, 3), or a scalar string: an
                encoded image
        label   int32, the number of the class
        name    string, for messages and for labels from elsewhere
        number  int64, of the example in its split

    Args:
        name: for messages, such as `"cifar10, split test"`.
        total: number of examples in the split.
        class_names: by label.
        image_shape: `(height, width, 3)` of images that come decoded; None
            where they come encoded.
        pad_value: of what is around an image, 0 to 255.
        photos: whether images are files as cameras write them, which EXIF
            data may turn.
        unreadable: by number, the names of images that cannot be decoded;
            they are left out.

    Attributes:
        kept: `(total,)`, bool; which examples belong to the source.
        size: how many these are.
        channels: of the decoded images, whatever the files have.
        random_access: whether any example can be looked up.
        files: `total` paths, of images that are files of a folder, whatever
            is in these; else None.
    """

    channels = 3
    random_access = False
    files: list[str] | None = None

    def __init__(
        self,
        name: str,
        total: int,
        class_names: list[str],
        image_shape: tuple[int, int, int] | None = None,
        pad_value: int = 0,
        photos: bool = False,
        unreadable: dict[int, str] | None = None,
    ):
        self.name = name
        self.class_names = class_names
        self.image_shape = image_shape
        self.pad_value = pad_value
        self.photos = photos
        self.unreadable = unreadable or {}
        self.kept = np.ones(total, bool)
        self.kept[list(self.unreadable)] = False

    @property
    def size(self) -> int:
        return int(self.kept.sum())

    def part(self, chosen: np.ndarray, name: str) -> "Source":
        """A source of some of the examples.

        Args:
            chosen: `(total,)`, bool.
            name: of the new source.
        """
        part = copy.copy(self)
        part.name = name
        part.kept = self.kept & chosen
        part.unreadable = {
            number: image
            for number, image in self.unreadable.items()
            if chosen[number]
        }
        return part

    def sample(self, count: int, seed: int = 0) -> "Source":
        """A source of some examples, chosen at random.

        Of one that is read from its beginning, such as the files of TFDS,
        which are shuffled, they are among the first.

        Args:
            count: how many; all, where there are fewer.
            seed: of the choice.
        """
        numbers = np.flatnonzero(self.kept)
        if not self.random_access:
            numbers = numbers[: _AHEAD * count]
        chosen = np.zeros(len(self.kept), bool)
        chosen[np.random.default_rng(seed).permutation(numbers)[:count]] = True
        return self.part(chosen, self.name)

    def image_names(self) -> list[str] | None:
        """Names of all `total` examples, by which they are found again.

        None of a set that cannot change, whose examples go by number.
        """
        return None

    def class_counts(self) -> np.ndarray:
        """How many examples each class has: `(classes,)`, int64.

        Images that nobody has found unreadable yet are counted too.

        Raises:
            InputError: a label has no class, or a file cannot be read.
        """
        return np.bincount(self.labels(), minlength=len(self.class_names))

    @abc.abstractmethod
    def labels(self) -> np.ndarray:
        """The labels of all examples, in order."""

    @abc.abstractmethod
    def training_examples(
        self,
        position: int,
        batch_size: int,
        shard: int = 0,
        shards: int = 1,
        seed: int = 0,
    ) -> tf.data.Dataset:
        """Endless examples, each once an epoch, in another order each.

        Args:
            position: number of examples that all workers took before; a
                multiple of `batch_size`.
            batch_size: of all workers.
            shard: number of this worker.
            shards: number of workers.
            seed: of the order.
        """

    @abc.abstractmethod
    def evaluation_examples(self) -> tf.data.Dataset:
        """All examples once, in order."""


def check_readable(source: Source) -> None:
    """Raises `InputError` where an image to evaluate on cannot be decoded."""
    if source.unreadable:
        name = next(iter(source.unreadable.values()))
        raise InputError(
            f"data: {name} cannot be decoded; replace or remove it"
        )


class RandomAccess(Source):
    """A source that can look up any example.

    All workers together take the global batches that one alone would.
    """

    random_access = True

    @abc.abstractmethod
    def _look_up(self, numbers) -> dict:
        """A batch of examples by their numbers."""

    def _examples(self, numbers):
        """The examples of batches of numbers."""
        return numbers.map(self._look_up).unbatch()

    def _numbers(self):
        return np.flatnonzero(self.kept)

    def training_examples(
        self, position, batch_size, shard=0, shards=1, seed=0
    ):
        # Where tf.data runs.
        with tf.device("CPU:0"):
            numbers = tf.constant(self._numbers(), "int64")
        rows = order.shuffled(self.size, position, seed)
        rows = order.slices(rows, batch_size, shard, shards)
        return self._examples(rows.map(lambda n: tf.gather(numbers, n)))

    def evaluation_examples(self):
        numbers = tf.data.Dataset.from_tensor_slices(self._numbers())
        return self._examples(numbers.batch(_CHUNK))


class InMemory(RandomAccess):
    """Decoded images of one size.

    Args:
        images: `(n, height, width, 3)`, 0 to 255; whatever where unreadable.
        labels: `(n,)`.
        names: `(n,)`.
        image_dtype: `"uint8"` or `"float32"`.
        **described: see `Source`.
    """

    def __init__(self, images, labels, names, image_dtype="uint8", **described):
        super().__init__(
            total=len(images), image_shape=tuple(images.shape[1:]), **described
        )
        # Where tf.data runs; on a GPU they would take its memory.
        with tf.device("CPU:0"):
            self._columns = {
                "image": tf.constant(images, image_dtype),
                "label": tf.constant(labels, "int32"),
                "name": tf.constant(np.asarray(names, object), "string"),
            }

    def labels(self):
        return self._columns["label"].numpy()[self.kept]

    def _look_up(self, numbers):
        example = {
            key: tf.gather(values, numbers)
            for key, values in self._columns.items()
        }
        return {**example, "number": numbers}
