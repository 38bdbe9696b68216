"""Images that cannot be decoded."""

import contextlib
import re
import traceback

import tensorflow as tf
from absl import logging

from nasnet_tf.checks.errors import InputError, first_line, listed
from nasnet_tf.images.skipped import DAMAGED, Skipped

# What is ours in a message that TensorFlow writes the rest of.
_LINE = re.compile(r"<<(.*?)>>", re.DOTALL)


class CorruptImages(Skipped):
    """Collects the names of images that had to be skipped.

    A name is logged as a warning when it is first seen. Threads of the input
    pipeline may record at the same time.
    """

    def __str__(self):
        return listed(self.names)

    def record(self, names) -> None:
        """Adds names, text or bytes; known ones are not counted again."""
        for name in names:
            if isinstance(name, bytes):
                name = name.decode(errors="replace")
            if self.add(name, DAMAGED):
                logging.warning("skipped: %s cannot be decoded", name)


def input_error(*parts) -> tf.Operation:
    """Ends the run of a graph in an error that `decoding_errors` knows."""
    line = tf.strings.join(["<<", *parts, ">>"])
    return tf.debugging.Assert(tf.constant(False), [line])


@contextlib.contextmanager
def decoding_errors():
    """Turns what reading images raises inside into one line.

    Whatever is raised lets go of the iterators that were read.

    Raises:
        InputError: an image cannot be decoded where that is an error, a
            label has no class, or a file cannot be read; names it.

    Example:
    >>> with decoding_errors():
    ...     for batch in evaluation_batches(...):
    """
    try:
        with _iterators_let_go():
            yield
    except tf.errors.InvalidArgumentError as error:
        line = _LINE.search(error.message)
        if not line:
            raise
        raise InputError(line[1]) from None
    except (
        tf.errors.NotFoundError,
        tf.errors.PermissionDeniedError,
        tf.errors.DataLossError,
    ) as error:
        # Others, such as a checkpoint's, are none of ours.
        if "Iterator" not in str(error):
            raise
        # Without the name of the operation, which TensorFlow begins with.
        reason = re.sub(r"^\{\{.*?\}\}\s*", "", first_line(error))
        raise InputError(
            f"data.data_dir: the images cannot be read ({reason.strip()}); "
            "restore the file, or build the data set again"
        ) from None


@contextlib.contextmanager
def _iterators_let_go():
    """Ends the iterators that an error's traceback would keep.

    A pipeline that is still ahead of its reader when the interpreter ends may
    call Python from its threads. The interpreter ends such a thread, and the
    pipeline waits for its answer for ever: the process never ends.
    """
    try:
        yield
    except BaseException as error:
        link: BaseException | None = error
        while link:
            # It leaves the frames alone that are still running.
            traceback.clear_frames(link.__traceback__)
            link = link.__context__
        raise
