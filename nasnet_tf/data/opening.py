"""Opens what a configuration describes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from nasnet_tf.arguments import check_choice, expanded_path
from nasnet_tf.data import digits, order
from nasnet_tf.data.image_folder import find_classes, open_folder
from nasnet_tf.data.source import InMemory, Source, check_readable
from nasnet_tf.data.tfds_source import open_tfds
from nasnet_tf.errors import InputError
from nasnet_tf.packages import check_packages

if TYPE_CHECKING:  # It imports Model Garden.
    from nasnet_tf.training.config import DataConfig

HELD_OUT = "held_out"


@dataclasses.dataclass(frozen=True)
class Data:
    """The images of a training job.

    Args:
        train: to train on.
        evaluation: to evaluate on; None where there is to be none.
        class_names: by label.
    """

    train: Source
    evaluation: Source | None
    class_names: list[str]


def open_data(config: DataConfig, seed: int = 0, evaluate: bool = True) -> Data:
    """Opens the images to train on and those to evaluate on.

    Args:
        config: which; see `DataConfig`.
        seed: of the choice of held-out examples.
        evaluate: False opens none to evaluate on.

    Raises:
        InputError: they are not there or do not fit together, or an image to
            evaluate on is known to be unreadable; one line.
    """
    whole = _open(config, config.train_split, "train_split")
    if config.held_out:
        chosen = _held_out(config, whole, seed)
        train = whole.part(~chosen, f"{whole.name} without the held-out ones")
        evaluation = _held_out_part(whole, chosen)
    else:
        train = whole
        evaluation = evaluate and _open(
            config,
            config.evaluation_split,
            "evaluation_split",
            whole.class_names,
        )
    if not evaluate:
        return Data(train, None, whole.class_names)
    check_readable(evaluation)
    return Data(train, evaluation, whole.class_names)


def open_evaluation(
    config: DataConfig,
    seed: int = 0,
    split: str | None = None,
    class_names: list[str] | None = None,
) -> Source:
    """Opens images to evaluate on, and no others.

    Args:
        config: which; see `DataConfig`.
        seed: that training had, for the held-out examples.
        split: any split, or `"held_out"`; None: as in training.
        class_names: that number the labels of a folder; None: the folders of
            its train split.

    Raises:
        InputError: they are not there; one line.
    """
    if split is None:
        split = HELD_OUT if config.held_out else config.evaluation_split
    if split != HELD_OUT:
        return _open(config, split, "evaluation_split", class_names)
    if not config.held_out:
        raise InputError(
            f"split: {HELD_OUT!r} with data.held_out 0; give the number of "
            "held-out examples that training had, or a split"
        )
    whole = _open(config, config.train_split, "train_split", class_names)
    return _held_out_part(whole, _held_out(config, whole, seed))


def _held_out(config, whole, seed):
    total = len(whole.kept)
    if config.held_out >= total:
        raise InputError(
            f"data.held_out: {config.held_out} leaves none of the {total} "
            f"examples of {whole.name} to train on; give fewer"
        )
    return order.held_out(total, config.held_out, seed)


def _held_out_part(whole, chosen):
    return whole.part(chosen, f"{whole.name}, {chosen.sum()} held out")


def _open(config, split, argument, class_names=None):
    if config.source == "digits":
        return _open_digits(split, argument)
    if config.source == "tfds":
        return open_tfds(config, split, argument)
    if not config.data_dir:
        raise InputError(
            "data.data_dir: none given with data.source 'folder'; give the "
            "folder of the images"
        )
    return _open_image_folder(config, split, argument, class_names)


def _open_digits(split, argument):
    check_packages("data.source 'digits'", {"scikit-learn": "sklearn"})
    check_choice(f"data.{argument}", split, ("train", "test"))
    data = digits.load()
    images, labels = data.train_images, data.train_labels
    if split == "test":
        images, labels = data.held_out_images, data.held_out_labels
    return InMemory(
        images,
        labels,
        [f"{split} {number}" for number in range(len(images))],
        name=f"digits, split {split}",
        class_names=digits.CLASS_NAMES,
        pad_value=digits.PAPER,
    )


def _open_image_folder(config, split, argument, class_names):
    root = expanded_path("data.data_dir", config.data_dir)
    if class_names is None:
        class_names = find_classes(root / config.train_split)
    if argument == "evaluation_split" and not (root / split).is_dir():
        raise InputError(
            f"data.evaluation_split: {root / split} is not a folder; give the "
            "name of one that holds a folder for each class, or set "
            "data.held_out=N to evaluate on N of the training images"
        )
    return open_folder(root, split, class_names)
