"""What predictions are worth, in numbers."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.evaluation.prediction import Predictions
from nasnet_tf.evaluation.real_labels import (
    RealAccuracy,
    RealLabels,
    real_accuracy,
)

PACKAGES = {"scikit-learn": "sklearn"}
CALIBRATION_BINS = 15
LISTED = 20


@dataclasses.dataclass(frozen=True)
class Report:
    """The measures of a classifier on labelled images.

    Args:
        class_names: of the classes, in the order of their numbers.
        images: how many were classified.
        top1: share of images whose best class is the right one.
        top5: share whose right class is among the best five; None with five
            classes or fewer.
        loss: mean cross-entropy in nats.
        calibration_error: expected calibration error over 15 bins of equal
            width (Guo et al. 2017).
        precision: `(classes,)`: the share right of what was taken for the
            class; nan where nothing was.
        recall: `(classes,)`: the share of the class's images that was found,
            which is the accuracy on them; nan where it has none.
        f1: `(classes,)`: harmonic mean of both; nan where the class has no
            image and nothing was taken for it.
        support: `(classes,)`: images of the class.
        confusion: `(classes, classes)`: images of the row's class that were
            taken for the column's.
        real: accuracy on ReaL labels, or None.
        skipped: names of images that could not be decoded.
    """

    class_names: list[str]
    images: int
    top1: float
    top5: float | None
    loss: float
    calibration_error: float
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    confusion: np.ndarray
    real: RealAccuracy | None = None
    skipped: Sequence[str] = ()

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images.

        Each counts the same, however many images it has.
        """
        return float(self.recall[self.support > 0].mean())

    def worst_classes(self, count: int = LISTED) -> list[int]:
        """Numbers of the classes with images, the lowest recall first."""
        order = np.argsort(self.recall, kind="stable")
        return [int(n) for n in order if self.support[n]][:count]

    def top_confusions(self, count: int = LISTED) -> list[tuple]:
        """`(true class, taken for, images)`, the most frequent first."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        pairs = np.argwhere(wrong)
        order = np.argsort(-wrong[wrong > 0], kind="stable")[:count]
        return [(int(a), int(b), int(wrong[a, b])) for a, b in pairs[order]]

    def to_dict(self) -> dict:
        """Plain values for JSON; None for nan, names for class numbers.

        `confusion_cells` are the cells of `confusion` that are not 0, `[class,
        taken for, images]` with numbers of classes from 0: of thousands of
        classes almost all are 0. `report_files.read_confusion` reads them.
        """
        names = self.class_names
        return {
            "images": self.images,
            "skipped": len(self.skipped),
            "classes": len(names),
            "top1": self.top1,
            "top5": self.top5,
            "balanced_accuracy": self.balanced_accuracy,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
            "real": self.real and dataclasses.asdict(self.real),
            "per_class": [
                {
                    "class": name,
                    "support": int(self.support[n]),
                    "precision": _plain(self.precision[n]),
                    "recall": _plain(self.recall[n]),
                    "f1": _plain(self.f1[n]),
                }
                for n, name in enumerate(names)
            ],
            "confusions": [
                {"class": names[a], "taken_for": names[b], "images": count}
                for a, b, count in self.top_confusions()
            ],
            "confusion_cells": [
                [int(a), int(b), int(self.confusion[a, b])]
                for a, b in np.argwhere(self.confusion)
            ],
        }


def _plain(value):
    return None if np.isnan(value) else float(value)


def measure(
    predictions: Predictions,
    class_names: Sequence[str] | None = None,
    real_labels: RealLabels | None = None,
) -> Report:
    """Compares predictions with labels.

    Of equal probabilities the class of the lower number counts as better.

    Args:
        predictions: of `predict`, of one image or more.
        class_names: in the order of the labels; None: by number.
        real_labels: of `read_real_labels`.

    Raises:
        InputError: names or labels do not fit the classes, or scikit-learn is
            missing.
    """
    check_packages("evaluation", PACKAGES)
    # Of an extra, which the check before tells of.
    from sklearn import metrics

    labels, probabilities = predictions.labels, predictions.probabilities
    classes = probabilities.shape[-1]
    class_names = _checked_names(class_names, classes)
    _check_labels(predictions, classes)
    predicted = probabilities.argmax(axis=-1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=np.nan
    )
    ranks = _ranks(labels, probabilities)
    return Report(
        class_names=class_names,
        images=len(predictions),
        top1=float(np.mean(ranks < 1)),
        top5=float(np.mean(ranks < 5)) if classes > 5 else None,
        loss=_loss(labels, probabilities),
        calibration_error=_calibration_error(
            probabilities.max(axis=-1), predicted == labels
        ),
        precision=precision,
        recall=recall,
        f1=f1,
        # scikit-learn counts in floats where a class has no image.
        support=support.astype(int),
        confusion=metrics.confusion_matrix(
            labels, predicted, labels=range(classes)
        ),
        real=real_accuracy(predictions, real_labels) if real_labels else None,
    )


def _checked_names(class_names, classes) -> list[str]:
    if class_names is None:
        return [f"class {n}" for n in range(classes)]
    if len(class_names) != classes:
        raise InputError(
            f"class_names: {len(class_names)} names for {classes} classes; "
            "give one for each"
        )
    return [str(name) for name in class_names]


def _check_labels(predictions, classes):
    labels = predictions.labels
    if not len(labels):
        raise InputError("predictions: none to measure; predict an image")
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(bad):
        raise InputError(
            f"labels: {predictions.names[bad[0]]} has label {labels[bad[0]]}, "
            f"but the classes are 0 to {classes - 1}; take a classifier of "
            "these data"
        )


def _ranks(labels, probabilities):
    """How many classes are better than the right one."""
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)
    lower = np.arange(probabilities.shape[1]) < labels[:, None]
    better = (probabilities > own) | ((probabilities == own) & lower)
    return better.sum(axis=1)


def _loss(labels, probabilities):
    own = probabilities[np.arange(len(labels)), labels].astype("float64")
    # A softmax in float32 can be 0; this is 87 nats.
    return float(-np.log(np.maximum(own, np.finfo("float32").tiny)).mean())


def _calibration_error(confidence, right):
    bins = np.ceil(confidence * CALIBRATION_BINS).astype(int).clip(1) - 1
    bins = bins.clip(max=CALIBRATION_BINS - 1)
    # Of each bin: images times the difference of accuracy and confidence.
    gaps = np.bincount(bins, right - confidence.astype("float64"))
    return float(np.abs(gaps).sum() / len(confidence))
