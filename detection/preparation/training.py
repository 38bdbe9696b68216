"""A detector trained on a folder, from its annotations to its report."""

import pathlib
import time

from detection.detectors import load_detector
from detection.evaluation.detecting import detect_annotated
from detection.evaluation.drawing import SHEET
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import annotated_images
from detection.evaluation.measures import measure
from detection.evaluation.reports import evaluate_model
from detection.job import JobResult, run_experiment
from detection.preparation.own_data import EXPERIMENT, prepare
from nasnet_tf.images.skipped import Skipped

REPORT = "report"
TRAINED_AP = "trained_on_AP"


def train_on(
    data,
    model_dir,
    weights: str | None = None,
    experiment: str | None = None,
    config_files=(),
    params_override: str | None = None,
    skip_bad: bool = False,
    strict: bool = False,
) -> JobResult:
    """Trains a detector on a folder of images with boxes, and measures it.

    See `detection.preparation.own_data.prepare`. The job goes on where it was
    stopped. `report/` in its folder gets COCO's numbers on the images that are
    held out, and pictures of what is annotated there and what is found.

    Args:
        data: the folder.
        model_dir: of the job.
        weights: see `prepare`.
        experiment: see `prepare`; None: a small one.
        config_files: see `prepare`.
        params_override: see `prepare`.
        skip_bad: see `prepare`.
        strict: see `prepare`.

    Returns:
        COCO's numbers by name, `"AP"` and `"AP50"` among them, `TRAINED_AP`,
        which is AP on images that were trained on, the files,
        the seconds, and what was left out.

    Raises:
        InputError: see `prepare` and `run_experiment`.
        JobError: the loss is no number, or too large.
    """
    begun = time.perf_counter()
    own = prepare(
        data,
        model_dir,
        weights,
        experiment or EXPERIMENT,
        config_files,
        params_override,
        skip_bad,
        strict,
    )
    result = run_experiment(own.params, "train", model_dir)
    report = pathlib.Path(model_dir) / REPORT
    detector = load_detector(model_dir)
    metrics = evaluate_model(detector, own.images, own.annotations, report)
    numbers = metrics.numbers | {
        TRAINED_AP: _ap(detector, own.images, own.trained_on)
    }
    files = result.files | {
        report / SHEET: "held-out images: annotated and found",
        report / "metrics.json": "COCO's numbers, per category too",
    }
    seconds = time.perf_counter() - begun
    return JobResult(numbers, files, seconds, own.left_out)


def _ap(detector, images, annotations):
    """AP on annotated images; those that cannot be decoded are left out."""
    truth = read_ground_truth(annotations)
    paths = annotated_images(images, truth, skipped=Skipped())
    truth = truth.only(paths)
    return measure(truth, detect_annotated(detector, truth, paths)).numbers[
        "AP"
    ]
