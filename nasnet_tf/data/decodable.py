"""Classes of a folder that have no image that can be decoded.

A job skips what it cannot decode, and would end as if it knew such a class.
"""

import numpy as np

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.corrupt_images import CorruptImages
from nasnet_tf.data.source import Source
from nasnet_tf.images.photos import UNREADABLE, verify


def check_decodable(source: Source) -> None:
    """Tells before the work whether each class has an image to decode.

    It reads as few files as tell that: one of each class, if that one is an
    image.

    Raises:
        InputError: a class has none; names it.
    """
    for name, files in _by_class(source):
        if not any(map(_is_readable, files)):
            raise _undecodable(source, name, files)


def check_decoded(source: Source, corrupt: CorruptImages) -> None:
    """Tells after the work whether each class had an image that was decoded.

    Args:
        source: that was read.
        corrupt: what could not be decoded.

    Raises:
        InputError: a class has none; names it.
    """
    if not corrupt.count:
        return
    bad = {*corrupt.names}
    for name, files in _by_class(source):
        if bad.issuperset(files):
            raise _undecodable(source, name, files)


def _by_class(source):
    """Yields the name of each class with its files; of a folder alone."""
    if source.files is None:
        return
    files, labels = np.array(source.files)[source.kept], source.labels()
    for label in np.unique(labels):
        yield source.class_names[label], files[labels == label].tolist()


def _is_readable(path):
    try:
        verify(path)
    except UNREADABLE:
        return False
    return True


def _undecodable(source, name, files):
    return InputError(
        f"data.data_dir: none of the {len(files):,} images of the class "
        f"{name!r} of {source.name} can be decoded, such as {files[0]}; "
        "replace them, or remove the class's folder"
    )
