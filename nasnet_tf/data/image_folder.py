"""Images in a folder for each class."""

import pathlib

import numpy as np
import tensorflow as tf

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.source import RandomAccess
from nasnet_tf.images.image_files import SUFFIXES, image_files, is_hidden

_PARALLEL = tf.data.AUTOTUNE


class ImageFolder(RandomAccess):
    """Files that are read when their turn comes.

    Args:
        paths: of the images.
        names: of the images in their split, such as `"cat/1.jpg"`.
        labels: `(n,)`.
        **described: see `Source`.
    """

    def __init__(self, paths: list[str], names: list[str], labels, **described):
        super().__init__(total=len(paths), photos=True, **described)
        self._names = names
        self.files = paths
        # Where tf.data runs.
        with tf.device("CPU:0"):
            self._paths = tf.constant(paths, "string")
            self._labels = tf.constant(labels, "int32")

    def image_names(self):
        return self._names

    def labels(self):
        return self._labels.numpy()[self.kept]

    def _look_up(self, numbers):
        return {
            "label": tf.gather(self._labels, numbers),
            "name": tf.gather(self._paths, numbers),
            "number": numbers,
        }

    def _examples(self, numbers):
        def read(example):
            return {**example, "image": tf.io.read_file(example["name"])}

        return (
            super()
            ._examples(numbers)
            .map(read, num_parallel_calls=_PARALLEL, deterministic=True)
        )


def find_classes(folder: pathlib.Path) -> list[str]:
    """The names of the folders in `folder`, sorted; hidden ones excepted.

    Raises:
        InputError: there is no such folder, or it has none.
    """
    if not folder.is_dir():
        hint = ""
        if folder.parent.is_dir() and any(
            path.is_dir() for path in folder.parent.iterdir()
        ):
            hint = (
                f"; if the folders in {folder.parent} are the classes, give "
                "data.train_split=."
            )
        raise InputError(
            f"data.data_dir: {folder} is not a folder; put the images of "
            f"each class into {folder / '<class>'}{hint}"
        )
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and not is_hidden(path.name)
    )
    if not names:
        raise InputError(
            f"data.data_dir: {folder} has no folders; put the images of each "
            f"class into {folder / '<class>'}"
        )
    return names


def open_folder(
    data_dir,
    split: str,
    class_names: list[str] | None = None,
    complete: bool = False,
) -> ImageFolder:
    """Opens `<data_dir>/<split>/<class>/<image>`.

    A class's folder is searched recursively; see
    `nasnet_tf.images.image_files.image_files`.

    Args:
        data_dir: the folder of the splits.
        split: the name of a folder in it.
        class_names: of the training images, which number the labels; None:
            those of this split.
        complete: whether all of these must be there.

    Raises:
        InputError: a folder is missing or empty, or a class is not one of
            `class_names`.
    """
    root = expanded_path("data.data_dir", data_dir)
    folder = root / split
    found = find_classes(folder)
    class_names = class_names or found
    missing = [name for name in class_names if name not in found]
    if complete and missing:
        raise InputError(
            f"data.data_dir: {folder} has no folder of the class "
            f"{missing[0]!r}, which the job was begun with; restore it, or "
            "begin in another model_dir"
        )
    if unknown := [name for name in found if name not in class_names]:
        whose, remedy = "of the training images", "add training images of it"
        if complete:
            whose = "that the job was begun with"
            remedy = "begin in another model_dir"
        raise InputError(
            f"data.data_dir: class {unknown[0]!r} of {folder} is not among "
            f"the {len(class_names)} classes {whose}; remove it or {remedy}"
        )
    paths: list[str] = []
    names: list[str] = []
    labels: list[int] = []
    for name in found:
        images = _images(folder / name)
        paths += map(str, images)
        names += [image.relative_to(folder).as_posix() for image in images]
        labels += [class_names.index(name)] * len(images)
    return ImageFolder(
        paths,
        names,
        np.array(labels),
        name=f"{root.name or root}, split {split}",
        class_names=class_names,
    )


def _images(folder):
    paths = image_files(folder)
    if not paths:
        raise InputError(
            f"data.data_dir: {folder} has no images; it needs files that end "
            f"in {', '.join(SUFFIXES)}"
        )
    return paths
