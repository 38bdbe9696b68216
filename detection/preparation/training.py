"""A detector trained on a folder, from its annotations to its report."""

import pathlib
import time

from detection.evaluation.drawing import SHEET
from detection.evaluation.reports import evaluate_model
from detection.job import JobResult, run_experiment
from detection.preparation.own_data import EXPERIMENT, prepare

REPORT = "report"


def train_on(
    data,
    model_dir,
    weights: str | None = None,
    experiment: str | None = None,
    config_files=(),
    params_override: str | None = None,
    skip_bad: bool = False,
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

    Returns:
        COCO's numbers by name, `"AP"` and `"AP50"` among them, the files, and
        the seconds.

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
    )
    result = run_experiment(own.params, "train", model_dir)
    report = pathlib.Path(model_dir) / REPORT
    metrics = evaluate_model(model_dir, own.images, own.annotations, report)
    files = result.files | {
        report / SHEET: "held-out images: annotated and found",
        report / "metrics.json": "COCO's numbers, per category too",
    }
    return JobResult(metrics.numbers, files, time.perf_counter() - begun)
