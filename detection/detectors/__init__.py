"""Detectors to run, whatever they were saved as.

>>> from detection.detectors import load_detector
>>> detector = load_detector("runs/digits")
>>> detections = detector.detect(image)
"""

import pathlib

from detection.detectors.detector import Detector
from detection.detectors.files import LITERT_FILE, model_file
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, first_line

__all__ = ["Detector", "load_detector"]


def load_detector(
    path, checkpoint: str | None = None, bfloat16: bool = False
) -> Detector:
    """Opens a detector to run it.

    Args:
        path: the folder of a job of `detection.train`, a folder that
            `detection.export` wrote, a SavedModel's folder or a `.tflite`
            file.
        checkpoint: of a job: its name, such as `"ckpt-400"`, or its path
            without suffix; None: the latest, where the job keeps moving
            averages the latest of these.
        bfloat16: of a job or a SavedModel: convolve in bfloat16, which moves
            scores by about a hundredth; see
            `detection.detectors.bfloat16.use_bfloat16`.

    Returns:
        A `Detector`. Images are fitted into its input size, or stretched to
        it, as they were in training.

    Raises:
        InputError: nothing is there, it is damaged, the job has no such
            checkpoint, or this processor has no bfloat16; one line.
    """
    path = expanded_path("model", path)
    if not path.exists():
        raise InputError(
            f"model: {path} does not exist; give a job's folder, a SavedModel "
            "or a .tflite file"
        )
    kind, file = model_file(path)
    if bfloat16:
        _start_bfloat16(kind, file)
    detector = _opened(path, kind, file, checkpoint)
    if bfloat16:
        detector.name += ", bfloat16"
    return detector


def _start_bfloat16(kind, file):
    if kind == LITERT_FILE:
        raise InputError(
            f"bfloat16: {file} is a LiteRT file, whose types are its own; "
            "leave it out"
        )
    # It brings TensorFlow, which a LiteRT file does without.
    from detection.detectors.bfloat16 import use_bfloat16

    use_bfloat16()


def _opened(path, kind, file, checkpoint):
    if kind == "job":
        # Model Garden, which an exported file does without.
        from detection.detectors.checkpoint import open_job

        return open_job(path, checkpoint)
    if checkpoint is not None:
        raise InputError(
            f"checkpoint: {checkpoint!r} with {path}, which was exported from "
            "one; leave it out"
        )
    return open_exported(kind, file)


def open_exported(kind: str, file: pathlib.Path) -> Detector:
    """Opens what `detection.export` wrote.

    Args:
        kind: `"saved_model"` or `"litert"`.
        file: a `.tflite` file or a SavedModel's folder, `params.yaml` beside
            it or, of a folder, in it.

    Raises:
        InputError: it is damaged.
    """
    try:
        # Model Garden is slow to import, and what was exported needs none.
        if kind == LITERT_FILE:
            from detection.detectors.litert import LitertDetector

            return LitertDetector(file)
        from detection.detectors.saved_model import SavedModelDetector

        return SavedModelDetector(file)
    except InputError:
        raise
    # TensorFlow's errors and LiteRT's share no class.
    except Exception as error:
        raise InputError(
            f"model: {file} cannot be loaded ({first_line(error)}); export it "
            "again"
        ) from None
