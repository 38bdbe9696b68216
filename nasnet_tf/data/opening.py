"""Opens what a configuration describes."""

import dataclasses
import sys

from nasnet_tf.checks.arguments import check_choice, expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.data import digits
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.decodable import check_decodable
from nasnet_tf.data.given import GivenData
from nasnet_tf.data.image_folder import find_classes, open_folder
from nasnet_tf.data.source import InMemory, Source, check_readable
from nasnet_tf.data.split import Split, new_split
from nasnet_tf.data.tfds_source import open_tfds

HELD_OUT = "held_out"


@dataclasses.dataclass(frozen=True)
class Data:
    """The images of a training job.

    Args:
        train: to train on.
        evaluation: to evaluate on; None where there is to be none.
        class_names: by label.
        split: what is held out, and what of it a job keeps.
        notes: lines for people: what was decided, what is gone or new.
    """

    train: Source
    evaluation: Source | None
    class_names: list[str]
    split: Split
    notes: list[str]


def open_data(
    config: DataConfig,
    seed: int = 0,
    evaluate: bool = True,
    kept: Split | None = None,
    begins: bool = True,
    given: GivenData | None = None,
) -> Data:
    """Opens the images to train on and those to evaluate on.

    Args:
        config: which; see `DataConfig`.
        seed: of the choice of held-out examples.
        evaluate: False opens none to evaluate on.
        kept: of a job that goes on: what it holds out, and its classes.
        begins: whether nothing was trained on yet, so that images may be held
            out where there are none to evaluate on.
        given: the images of `data.source` `"python"`.

    Raises:
        InputError: they are not there or do not fit together, a class of the
            job is gone, none of a class's files can be decoded, or an image to
            evaluate on is known to be unreadable; one line.
    """
    whole, other = _open_train_split(config, kept, given)
    begins = begins and not kept
    by_default = evaluate and begins and not _has_evaluation(config, other)
    if by_default and given and not given.in_memory:
        raise InputError(
            "evaluation_data: none given beside a dataset, of which none can "
            "be held out; give it, or evaluate=False"
        )
    if kept:
        split, notes = kept.updated(whole), kept.changes(whole)
    else:
        split, notes = new_split(config, whole, seed, by_default), []
    if given and given.digest is None and not begins:
        notes.append(
            "data is a dataset: that it goes on with the images that would "
            "have come next is up to the program that gives it"
        )
    chosen = split.is_held_out(whole)
    train: Source | None = None
    evaluation: Source | None = None
    if split.held_out:
        train = whole.part(~chosen, f"{whole.name} without the held-out ones")
        evaluation = _held_out_part(whole, chosen)
    elif evaluate and config.source == "python":
        evaluation = other
    elif evaluate:
        evaluation = _open(
            config,
            config.evaluation_split,
            "evaluation_split",
            whole.class_names,
        )
    if split.held_out and by_default:
        missing = f"folder {config.evaluation_split!r}"
        if given:
            missing = "evaluation_data"
        notes.append(
            f"no {missing} to evaluate on: a fifth of "
            f"each class, {chosen.sum()} of {len(chosen)} images, is held out "
            "for that; data.held_out=N holds out N"
        )
    if not evaluate:
        evaluation = None
    if evaluation is not None:
        check_readable(evaluation)
    train = train or whole
    check_decodable(train)
    return Data(
        train,
        evaluation,
        whole.class_names,
        split,
        notes,
    )


def _has_evaluation(config, given):
    """Whether there is anything to evaluate on but the training images.

    A folder that was named and is not there is an error, not a wish.
    """
    if config.source == "python":
        return bool(config.held_out) or given is not None
    usual = type(config)().evaluation_split
    is_named = config.evaluation_split != usual
    if config.held_out or config.source != "folder" or is_named:
        return True
    root = expanded_path("data.data_dir", config.data_dir)
    return (root / config.evaluation_split).is_dir()


def _open_train_split(config, kept, given):
    """The train split, and what a program gives to evaluate on."""
    class_names, other = kept and kept.class_names, None
    if given:
        whole, other = given.open()
    elif kept:
        whole = _open(
            config, config.train_split, "train_split", class_names, True
        )
    else:
        whole = _open(config, config.train_split, "train_split")
    if kept and whole.class_names != class_names:
        raise InputError(
            f"data: {whole.name} has other classes than the job was begun "
            "with; give the data of that version, or begin in another "
            "model_dir"
        )
    return whole, other


def open_evaluation(
    config: DataConfig,
    seed: int = 0,
    split: str | None = None,
    class_names: list[str] | None = None,
    kept: Split | None = None,
) -> Source:
    """Opens images to evaluate on, and no others.

    Args:
        config: which; see `DataConfig`.
        seed: that training had, for the held-out examples.
        split: any split, of which what is held out is left out, or
            `"held_out"`; None: as in training.
        class_names: that number the labels of a folder; None: the folders of
            its train split.
        kept: what the job holds out that trained the model; it goes before
            `config` and `seed` where it is of these images. What is gone or
            new is told on stderr.

    Raises:
        InputError: they are not there; one line.
    """
    _check_kept(config)
    if kept and not kept.describes(config):
        kept = None
    holds_out = bool(kept.held_out if kept else config.held_out)
    if split is None:
        split = HELD_OUT if holds_out else config.evaluation_split
    if split == HELD_OUT and not holds_out:
        raise InputError(
            f"split: {HELD_OUT!r} with data.held_out 0; give the number of "
            "held-out examples that training had, or a split"
        )
    if split not in (HELD_OUT, config.train_split) or not holds_out:
        return _open(config, split, "evaluation_split", class_names)
    if kept:
        class_names = class_names or kept.class_names
    whole = _open(config, config.train_split, "train_split", class_names)
    if kept:
        for line in kept.changes(whole):
            print(line, file=sys.stderr)
    chosen = (kept or new_split(config, whole, seed)).is_held_out(whole)
    if split == HELD_OUT:
        return _held_out_part(whole, chosen)
    return whole.part(~chosen, f"{whole.name} without the held-out ones")


def _held_out_part(whole, chosen):
    return whole.part(chosen, f"{whole.name}, {chosen.sum()} held out")


def _open(config, split, argument, class_names=None, complete=False):
    _check_kept(config)
    if config.source == "digits":
        return _open_digits(split, argument)
    if config.source == "tfds":
        return open_tfds(config, split, argument)
    if not config.data_dir:
        raise InputError(
            "data.data_dir: none given with data.source 'folder'; give the "
            "folder of the images"
        )
    return _open_image_folder(config, split, argument, class_names, complete)


def _check_kept(config):
    if config.source == "python":
        raise InputError(
            "data.source: 'python', images that a program gave to train or "
            "search and that no file keeps; give them again, as data= or to "
            "nasnet_tf.evaluation.evaluate, or name others by data.source"
        )


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


def _open_image_folder(config, split, argument, class_names, complete):
    root = expanded_path("data.data_dir", config.data_dir)
    if class_names is None:
        class_names = find_classes(root / config.train_split)
    if argument == "evaluation_split" and not (root / split).is_dir():
        raise InputError(
            f"data.evaluation_split: {root / split} is not a folder; give the "
            "name of one that holds a folder for each class, or set "
            "data.held_out=N to evaluate on N of the training images"
        )
    return open_folder(root, split, class_names, complete)
