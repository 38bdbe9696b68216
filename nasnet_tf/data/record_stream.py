"""Files of records that are too many for memory, read one after the other."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nasnet_tf.data import order
from nasnet_tf.data.corrupt_images import decoding_errors
from nasnet_tf.data.source import Source

# Of the files that are read at a time. Fixed: they set the order.
_CYCLE, _BLOCK = 16, 8
# The smallest share of a worker that reads its own files, of the mean share.
_EVEN = 0.9
_PARALLEL = tf.data.AUTOTUNE
# Labels that are counted at once.
_CHUNK = 1024


@dataclasses.dataclass(frozen=True)
class RecordFile:
    """Consecutive records of a file.

    Args:
        path: of the file.
        skip: records before the first.
        take: number of records.
    """

    path: str
    skip: int
    take: int


class RecordStream(Source):
    """Encoded images in record files.

    An epoch reads its files in a random order, sixteen at a time, and draws
    its examples at random from a buffer. Where the files can be shared out
    evenly each worker reads its own, else each reads all and takes its part
    of every batch. To resume, the records before the position are read again
    and dropped, without decoding.

    Args:
        files: of the split, in order.
        read: gives the records of a path as a dataset.
        parse: turns a record into `image`, `label` and `name`; a name that is
            empty becomes one of the number.
        buffer: examples to draw from.
        **described: see `Source`.
    """

    def __init__(
        self,
        files: list[RecordFile],
        read: Callable[[tf.Tensor], tf.data.Dataset],
        parse: Callable[[tf.Tensor], dict],
        buffer: int,
        **described,
    ):
        super().__init__(total=sum(file.take for file in files), **described)
        self._files = files
        self._read = read
        self._parse = parse
        self._buffer = buffer
        self._starts = np.cumsum([0] + [file.take for file in files])

    def labels(self):
        # Reads all files once; images stay encoded.
        examples = self.evaluation_examples()
        labels = examples.map(lambda example: example["label"]).batch(_CHUNK)
        with decoding_errors():
            return np.concatenate(list(labels.as_numpy_iterator()))

    def training_examples(
        self, position, batch_size, shard=0, shards=1, seed=0
    ):
        files = np.arange(len(self._files))
        own = [files[worker::shards] for worker in range(shards)]
        if min(map(self._count, own)) >= _EVEN * self.size / shards:
            records = self._shuffled(own[shard], position // shards, seed)
        else:
            records = self._shuffled(files, position, seed)
            records = order.slices(records, batch_size, shard, shards).unbatch()
        return self._examples(records)

    def evaluation_examples(self):
        files = tf.data.Dataset.range(len(self._files))
        return self._examples(self._kept(files.flat_map(self._records)))

    def _shuffled(self, files, position, seed):
        """Endless `(number, record)` from some of the files."""

        def epoch(number):
            shuffled = tf.random.experimental.stateless_shuffle(
                tf.constant(files, "int64"),
                order.seed_pair(seed, order.ORDER, number),
            )
            records = tf.data.Dataset.from_tensor_slices(shuffled).interleave(
                self._records,
                cycle_length=_CYCLE,
                block_length=_BLOCK,
                num_parallel_calls=_PARALLEL,
                deterministic=True,
            )
            # Of this graph: else the order would change with the seed that
            # the program sets for other things.
            tf.random.set_seed(1)
            return self._kept(records).shuffle(
                self._buffer,
                seed=order.seed_pair(seed, order.BUFFER, number)[0],
                reshuffle_each_iteration=False,
            )

        return order.endless(epoch, self._count(files), position)

    def _count(self, files):
        """The examples in some of the files."""
        ends = zip(self._starts[files], self._starts[files + 1], strict=True)
        return int(sum(self.kept[first:last].sum() for first, last in ends))

    def _records(self, file):
        paths = [entry.path for entry in self._files]
        skips = [entry.skip for entry in self._files]
        takes = [entry.take for entry in self._files]
        records = self._read(tf.gather(tf.constant(paths), file))
        records = records.skip(tf.gather(tf.constant(skips, "int64"), file))
        records = records.take(tf.gather(tf.constant(takes, "int64"), file))
        start = tf.gather(tf.constant(self._starts, "int64"), file)
        return records.enumerate(start)

    def _kept(self, records):
        if self.kept.all():
            return records
        kept = tf.constant(self.kept)
        return records.filter(lambda number, record: tf.gather(kept, number))

    def _examples(self, records):
        def parse(number, record):
            example = self._parse(record)
            unnamed = tf.strings.as_string(number)
            name = example["name"]
            return {
                "image": example["image"],
                "label": tf.cast(example["label"], "int32"),
                "name": tf.where(name == "", unnamed, name),
                "number": number,
            }

        return records.map(
            parse, num_parallel_calls=_PARALLEL, deterministic=True
        )
