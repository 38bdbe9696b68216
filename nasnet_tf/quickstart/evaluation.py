"""Measures the trained network on the digits that were held out."""

import numpy as np
from sklearn import metrics

from nasnet_tf.data.digits import CLASS_NAMES
from nasnet_tf.evaluation import draw_confusion
from nasnet_tf.pictures import figures
from nasnet_tf.zoo.applications import preprocess_input

TITLE = "Held-out digits"
NEEDS = ("digits", "training")

MIN_ACCURACY = 0.95
MAX_SHOWN = 10


def stage(context) -> np.ndarray:
    """Returns the probabilities `(n, 10)` of the held-out digits."""
    digits = context.results["digits"]
    labels = digits.held_out_labels
    model = context.results["training"].model
    probabilities = model.predict(
        preprocess_input(digits.held_out_images), verbose=0
    )
    predicted = probabilities.argmax(axis=-1)
    _accuracy(context, labels, predicted)
    _by_class(context, labels, predicted)
    _mistakes(context, digits, probabilities)
    return probabilities


def _accuracy(context, labels, predicted):
    accuracy = float(metrics.accuracy_score(labels, predicted))
    correct, total = int((labels == predicted).sum()), len(labels)
    context.headline = (
        f"{correct} of {total} handwritten digits that the network had never "
        "seen were read correctly."
    )
    context.say(f"Accuracy {accuracy:.2%}: {correct} of {total} are right.")
    context.facts.insert(0, ("held-out accuracy", f"{accuracy:.2%}"))
    context.metrics.update(accuracy=accuracy, correct=correct)
    if accuracy < MIN_ACCURACY:
        context.failures.append(
            f"held-out accuracy {accuracy:.4f} is below {MIN_ACCURACY}; give "
            f"more than --epochs={context.epochs}"
        )


def _by_class(context, labels, predicted):
    classes = range(len(CLASS_NAMES))
    confusion = metrics.confusion_matrix(labels, predicted, labels=classes)
    precision, recall, _, counts = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0.0
    )
    context.section.figure(
        _confusion_figure(confusion), "Confusion matrix of the held-out digits"
    )
    context.section.table(
        ["digit", "images", "precision", "recall"],
        [
            [name, count, f"{right:.1%}", f"{found:.1%}"]
            for name, count, right, found in zip(
                CLASS_NAMES, counts, precision, recall, strict=True
            )
        ],
        "Precision: the share right of what was read as this digit. Recall: "
        "the share of this digit that was found.",
    )
    context.metrics.update(
        confusion_matrix=confusion.tolist(),
        precision=precision.tolist(),
        recall=recall.tolist(),
    )


def _mistakes(context, digits, probabilities):
    labels, predicted = digits.held_out_labels, probabilities.argmax(axis=-1)
    wrong = np.flatnonzero(labels != predicted)
    if not len(wrong):
        return
    shown = wrong[:MAX_SHOWN]
    captions = [
        f"{CLASS_NAMES[labels[n]]} \u2192 {CLASS_NAMES[predicted[n]]}\n"
        f"{probabilities[n].max():.0%}"
        for n in shown
    ]
    figure = figures.image_grid(
        digits.held_out_images[shown],
        captions,
        [True] * len(shown),
        columns=5,
        caption_height=0.55,
    )
    context.section.figure(
        figure,
        f"Mistakes, {len(shown)} of {len(wrong)}: what was written, what was "
        "read, and its probability",
    )


def _confusion_figure(confusion):
    figure, axes = figures.new_figure(4.6, 4.2)
    draw_confusion(axes, confusion, CLASS_NAMES)
    axes.set_xlabel("read as")
    axes.set_ylabel("written")
    return figure
