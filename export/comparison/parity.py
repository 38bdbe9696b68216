"""Whether an exported file answers as the Keras model does.

Answers are compared as the classifier gives them, probabilities or logits, by
three figures, each free of a unit:

* difference: the largest difference of any answer, in parts of the largest
  absolute answer. The same sums in another order differ by about 1e-6 of it,
  and any mistake in an operation by far more than 1e-4.
* error: the root mean square of the differences, in parts of the standard
  deviation of the answers over the images (each class about its own mean). An
  answer that is the same for all images has 1, an unrelated one 1.4.
* agreement: the share of the images with the same best class.

Eight bits move single answers a lot where two classes are close, so a largest
difference does not tell a sound quantisation from a broken one. The error and
the agreement do. NASNets for digits and CIFAR-10 in int8, by the images that
they were calibrated on:

    calibrated on              error           agreement    accuracy
    training images            0.01, 0.05      1.00, 0.98   as it was
    one class of them          0.02, 0.09      1.00, 0.98   as it was
    two photographs            0.04, 0.07      1.00, 0.98   as it was
    noise                      0.01, 0.21      1.00, 0.92   as it was
    black                      1.31, 1.22      0.13, 0.11   lost
    pixels of 0 and 1 only     1.30, 0.70      0.13, 0.65   lost
"""

import dataclasses

import numpy as np

from nasnet_tf.checks.errors import InputError, JobError

# Below this part of the largest answer, an image hardly changes the answers.
SAME = 1e-3

_TELLS_LITTLE = (
    "; but the Keras model itself answers nearly the same to all of these, so "
    "that says little"
)


@dataclasses.dataclass(frozen=True)
class Bound:
    """What a file may differ by; None: any.

    Args:
        difference: at most.
        error: at most.
        agreement: at least.
    """

    difference: float | None = None
    error: float | None = None
    agreement: float | None = None


# By quantisation. Of float32 only the order of sums may differ. float16 rounds
# each weight by 1/2048 at most, which moved a probability by 0.005. Dynamic
# range had errors of 0.01 and 0.02. The bound of int8 lies between what kept
# and what lost the accuracy, with room for a thousand classes, which are closer
# to each other than ten.
BOUNDS = {
    "none": Bound(difference=1e-4),
    "float16": Bound(difference=2e-2),
    "dynamic": Bound(error=0.15, agreement=0.9),
    "int8": Bound(error=0.35, agreement=0.8),
}


@dataclasses.dataclass(frozen=True)
class Parity:
    """An exported file's answers beside those of the Keras model.

    Args:
        images: what was compared on and how many, for people.
        count: of these images.
        quantize: of the file; a key of `BOUNDS`.
        difference: see this module.
        error: see this module; infinite where the Keras model's answers are
            the same for all images and the file's differ from them.
        agreement: see this module.
        spread: standard deviation of the Keras model's answers over the
            images, in parts of its largest.
        probabilities: whether the Keras model's answers to each image are
            positive and have the sum 1.
    """

    images: str
    count: int
    quantize: str
    difference: float
    error: float
    agreement: float
    spread: float
    probabilities: bool

    @property
    def tells(self) -> bool:
        """Whether the Keras model's answers differ between the images.

        An untrained network may answer the same to all, and so would a file
        that is wrong.
        """
        return self.spread >= SAME

    @property
    def failures(self) -> list[str]:
        """The bounds that do not hold, in words."""
        bound = BOUNDS[self.quantize]
        found = []
        # Not `>`: nan holds no bound.
        for name in ("difference", "error"):
            value, most = getattr(self, name), getattr(bound, name)
            if most is not None and not value <= most:
                found.append(f"{name} {value:.2g} above {most:g}")
        if bound.agreement is not None and not (
            self.agreement >= bound.agreement
        ):
            found.append(
                f"agreement {self.agreement:.1%} below {bound.agreement:.0%}"
            )
        return found

    def __str__(self):
        return (
            f"on {self.images} the largest difference to the Keras model is "
            f"{self.difference:.1e} of the largest answer, the error "
            f"{self.error:.1e} of the answers' spread, and the best class the "
            f"same on {self.agreement:.2%}{'' if self.tells else _TELLS_LITTLE}"
        )


def compare(
    reference: np.ndarray, answers: np.ndarray, images: str, quantize: str
) -> Parity:
    """Compares answers to the same images.

    Args:
        reference: `(n, classes)`, of the Keras model.
        answers: `(n, classes)`, of the exported file.
        images: what they are and how many, for people.
        quantize: a key of `BOUNDS`.

    Raises:
        InputError: the Keras model's answers are not finite numbers.
        JobError: the exported file has answers of another shape.
    """
    if not np.isfinite(reference).all():
        raise InputError(
            "model: its answers are not finite numbers; its training diverged "
            "or its weights are damaged, so take an earlier checkpoint"
        )
    if answers.shape != reference.shape:
        raise JobError(
            f"parity: the exported file's answers have the shape "
            f"{answers.shape}, the Keras model's {reference.shape}; nothing "
            "is kept"
        )
    # In float64, so that measuring adds no rounding of its own.
    reference = reference.astype("float64")
    differences = answers.astype("float64") - reference
    largest = np.abs(reference).max() or 1.0
    spread = _root_mean_square(reference - reference.mean(axis=0))
    error = _root_mean_square(differences)
    return Parity(
        images,
        len(reference),
        quantize,
        difference=float(np.abs(differences).max() / largest),
        error=_ratio(error, spread),
        agreement=float(
            np.mean(reference.argmax(axis=1) == answers.argmax(axis=1))
        ),
        spread=float(spread / largest),
        probabilities=bool(
            (reference >= 0).all()
            and np.allclose(reference.sum(axis=1), 1, atol=1e-3)
        ),
    )


def _root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values))))


def _ratio(error, spread):
    if spread:
        return error / spread
    return float("inf") if error else 0.0


def check(parity: Parity) -> None:
    """Raises `JobError` unless all bounds of the quantisation hold."""
    if not parity.failures:
        return
    remedy = "this is a fault of the export, not of the model"
    if not parity.tells:
        remedy = (
            "the Keras model's own answers hardly differ between these "
            "images, so is it trained, and are these images it knows?"
        )
    elif parity.quantize == "int8":
        remedy = (
            "calibrate on images like those it is to see, or take "
            "--quantize=dynamic"
        )
    elif parity.quantize in ("dynamic", "float16"):
        remedy = "its weights do not bear this; take --quantize=none"
    raise JobError(
        f"parity: {', '.join(parity.failures)} on {parity.images}, so nothing "
        f"is kept; {remedy}"
    )
