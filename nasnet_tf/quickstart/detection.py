"""Trains a detector of digits in scenes, from nothing, and evaluates it."""

import contextlib
import io
import shutil
import sys

from absl import logging

TITLE = "Finding digits in scenes"
NEEDS = ()

FOLDER = "detection"
EXPERIMENT = "fasterrcnn_nasnet_digits"
SCENES = {"train": 1000, "validation": 100}
STEPS = 800
MIN_AP50 = 0.3


def stage(context):
    """Returns the `Metrics` of the held-out scenes."""
    # Here and below: the stages before do not wait for Model Garden.
    from detection.evaluation.reports import evaluate_model

    folder = context.out / FOLDER
    # Begin anew; a job of its own would go on where it was.
    shutil.rmtree(folder, ignore_errors=True)
    images = _write_records(context, folder)
    context.say(
        f"{SCENES['train']:,} scenes were composed of the training digits and "
        f"{SCENES['validation']:,} of the held-out ones, annotated as COCO is."
    )
    result = _train(context, folder)
    report = folder / "report"
    with contextlib.redirect_stdout(io.StringIO()):
        metrics = evaluate_model(
            folder / "job",
            images / "images",
            images / "annotations.json",
            report,
        )
    context.say(
        f"Faster R-CNN on a small NASNet-A, {STEPS:,} steps from nothing in "
        f"{result.seconds:.0f} s: AP50 {metrics.numbers['AP50']:.1%}, AP "
        f"{metrics.numbers['AP']:.1%} of the held-out scenes."
    )
    _show(context, metrics, report)
    if metrics.numbers["AP50"] < MIN_AP50:
        context.failures.append(
            f"AP50 {metrics.numbers['AP50']:.4f} of the scenes is below "
            f"{MIN_AP50}; try another --seed"
        )
    return metrics


def _write_records(context, folder):
    """Scenes and their records; the folder of the held-out scenes."""
    # As in `stage`.
    from detection.data.annotations import read_annotations
    from detection.data.records import write_records
    from detection.data.scenes import IMAGES, write_scenes

    for split, count in SCENES.items():
        file = write_scenes(
            folder / split, count, seed=context.seed, split=split
        )
        with contextlib.redirect_stderr(io.StringIO()):
            data = read_annotations(file, file.parent / IMAGES)
            write_records(data, folder / "records", name=split)
    return file.parent


def _train(context, folder):
    # As in `stage`.
    from detection.experiments import read_experiment
    from detection.job import run_experiment

    schedule = "trainer.optimizer_config.learning_rate.cosine.decay_steps"
    params = read_experiment(
        EXPERIMENT,
        (),
        f"trainer.train_steps={STEPS},{schedule}={STEPS},"
        f"task.model.backbone.nasnet.seed={context.seed},"
        f"task.train_data.seed={context.seed}",
    )
    for data, split in (
        (params.task.train_data, "train"),
        (params.task.validation_data, "validation"),
    ):
        data.input_path = f"{folder / 'records'}/{split}-*"
    out, step = sys.stdout, 0

    def tell(losses):
        nonlocal step
        step = min(step + params.trainer.steps_per_loop, STEPS)
        loss = float(losses["total_loss"])
        print(f"  step {step:,} of {STEPS:,}: loss {loss:.3f}", file=out)
        out.flush()

    # Model Garden tells ten lines of each of these, twice.
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            result = run_experiment(
                params, "train", folder / "job", on_progress=tell
            )
    finally:
        logging.set_verbosity(verbosity)
    context.files.update(result.files)
    return result


def _show(context, metrics, report):
    context.section.image(
        (report / "contact_sheet.jpg").read_bytes(),
        "image/jpeg",
        "Held-out scenes: annotated on the left, found on the right",
    )
    context.section.table(
        ["digit", "AP", "AP50", "objects"],
        [
            [row.name, f"{row.ap:.1%}", f"{row.ap50:.1%}", str(row.objects)]
            for row in metrics.classes
        ],
        "COCO's average precision: mean over IoU 0.5 to 0.95, and at 0.5",
    )
    context.files |= {
        report / "contact_sheet.jpg": "digits found in scenes",
        report / "precision_recall.png": "precision over recall",
        report / "metrics.json": "COCO's numbers, per class too",
    }
    context.metrics["detection"] = metrics.numbers
