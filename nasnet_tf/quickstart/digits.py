"""Shows the handwritten digits, and writes one as a picture to classify."""

import numpy as np
from PIL import Image

from nasnet_tf.data import digits as data
from nasnet_tf.data.digits import CLASS_NAMES, SIZE
from nasnet_tf.pictures import figures

TITLE = "Handwritten digits"
NEEDS = ()


def stage(context) -> data.Digits:
    """Returns the digits and writes one as a picture to classify."""
    digits = data.load()
    trained, held_out = len(digits.train_labels), len(digits.held_out_labels)
    context.say(
        f"{trained:,} images train the network and {held_out} are held out, "
        f"{SIZE}x{SIZE} pixels each. Held-out digits are never trained on and "
        "choose nothing: they only measure."
    )
    context.section.text(
        "These are the UCI handwritten digits that scikit-learn ships, 8x8 "
        "pixels each, enlarged with bicubic interpolation to the smallest "
        "input that a NASNet reads."
    )
    firsts = [
        np.flatnonzero(digits.train_labels == label)[0]
        for label in np.unique(digits.train_labels)
    ]
    context.section.figure(
        figures.image_grid(
            digits.train_images[firsts],
            [CLASS_NAMES[digits.train_labels[n]] for n in firsts],
            [False] * len(firsts),
            columns=len(firsts),
        ),
        "A training image of each class",
    )
    with context.new_file("digit.png", "a held-out digit to classify") as path:
        Image.fromarray(digits.held_out_images[0]).save(path)
    context.metrics.update(training_images=trained, held_out_images=held_out)
    return digits
