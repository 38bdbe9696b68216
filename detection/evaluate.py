r"""Measures a detector, or a file of its results, as COCO does.

python -m detection.evaluate --model=runs/digits --images=scenes/val \
    --annotations=scenes/val.json --out=report
python -m detection.evaluate --predictions=report/predictions.json \
    --annotations=scenes/val.json --out=report
"""

import pathlib

from absl import flags

from detection.drawing import MIN_SCORE, SHEET
from detection.evaluation.category_check import check_categories
from detection.evaluation.detecting import detect_annotated
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import annotated_images
from detection.evaluation.measures import Metrics, measure
from detection.evaluation.report_files import (
    check_report_files,
    format_metrics,
    write_report,
)
from detection.evaluation.results import (
    PREDICTIONS,
    check_results,
    read_results,
    write_rows,
)
from detection.evaluation.samples import write_samples
from nasnet_tf.checks.arguments import check_number, expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def evaluate_model(
    model,
    images,
    annotations,
    out,
    min_score: float = MIN_SCORE,
    checkpoint: str | None = None,
) -> Metrics:
    """Evaluates a detector on annotated images, and writes the report.

    Prints COCO's numbers. `out` gets `metrics.json`, `table.md` with all
    categories, `precision_recall.png`, the detections as `predictions.json`
    in the format of COCO's results, and some images with their annotations
    and detections: `drawn/` and `contact_sheet.jpg`.

    Args:
        model: path of a training job's folder, an exported SavedModel or a
            `.tflite` file; see `detection.detectors.load_detector`.
        images: the folder that the names in the annotations begin in.
        annotations: path of a JSON file in COCO's format.
        out: folder, which is made; files in it are overwritten.
        min_score: of the detections that are drawn; the numbers take all.
        checkpoint: of a job: its name, such as `"ckpt-400"`; None: the latest.

    Raises:
        InputError: something cannot be read or written, an image is missing
            or of another size, or the detector's categories are not those of
            the annotations; one line.
    """
    check_number("min_score", min_score, "[0, 1]")
    out = expanded_path("out", out)
    truth = read_ground_truth(annotations)
    paths = annotated_images(images, truth)
    check_report_files(out, (PREDICTIONS, SHEET))
    # It brings TensorFlow and Model Garden.
    from detection.detectors import load_detector

    detector = load_detector(model, checkpoint)
    check_categories(detector, truth)
    results = detect_annotated(detector, truth, paths)
    predictions = out / PREDICTIONS
    write_rows(results, predictions)
    facts = {"model": detector.name}
    metrics = _report(truth, results, out, detector.name, facts)
    written = write_samples(truth, results, paths, out, min_score)
    for path in (predictions, *written):
        print(f"  {path}")
    return metrics


def evaluate_predictions(
    predictions, annotations, out, images=None, min_score: float = MIN_SCORE
) -> Metrics:
    """Evaluates a file of COCO's results, and writes the report.

    Prints COCO's numbers, which are those of pycocotools to the last digit,
    and writes what `evaluate_model` does; the pictures only with `images`.

    Args:
        predictions: path of a JSON list of `image_id`, `category_id`, `bbox`
            as `[x, y, width, height]` and `score`.
        annotations: path of a JSON file in COCO's format.
        out: folder, which is made; files in it are overwritten.
        images: the folder that the names in the annotations begin in, or
            None.
        min_score: of the detections that are drawn; the numbers take all.

    Raises:
        InputError: see `evaluate_model`; or a detection's category or image
            is not among those of the annotations.
    """
    check_number("min_score", min_score, "[0, 1]")
    out = expanded_path("out", out)
    truth = read_ground_truth(annotations)
    results = read_results(predictions)
    check_results(results, truth)
    paths = annotated_images(images, truth) if images else None
    check_report_files(out, (SHEET,) if images else ())
    facts = {"predictions": str(predictions)}
    name = pathlib.Path(predictions).name
    metrics = _report(truth, results, out, name, facts)
    if paths is not None:
        for path in write_samples(truth, results, paths, out, min_score):
            print(f"  {path}")
    return metrics


def _report(truth, results, out, name, facts):
    metrics = measure(truth, results)
    title = f"{name} on {truth.path.name}"
    facts = {**facts, "annotations": str(truth.path)}
    print(title)
    print(format_metrics(metrics))
    print("\nwrote")
    for path in write_report(metrics, out, title, facts):
        print(f"  {path}")
    return metrics


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if bool(values.model) == bool(values.predictions):
        given = "both" if values.model else "neither"
        raise InputError(
            f"model: {given} of --model and --predictions given; give one"
        )
    if values.checkpoint and values.predictions:
        raise InputError(
            f"checkpoint: {values.checkpoint!r} with --predictions, which "
            "come from no checkpoint here; leave it out"
        )
    needed = ["annotations", "out"] + (["images"] if values.model else [])
    for name in needed:
        if not getattr(values, name):
            raise InputError(f"{name}: missing; give --{name}")
    if values.model:
        evaluate_model(
            values.model,
            values.images,
            values.annotations,
            values.out,
            values.min_score,
            checkpoint=values.checkpoint,
        )
    else:
        evaluate_predictions(
            values.predictions,
            values.annotations,
            values.out,
            values.images,
            values.min_score,
        )


def define_flags():
    flags.DEFINE_string(
        "model", None, "A training job's folder, a SavedModel or a .tflite."
    )
    flags.DEFINE_string(
        "checkpoint", None, "Of a job, such as ckpt-400; default: the latest."
    )
    flags.DEFINE_string("predictions", None, "Or COCO's results, JSON.")
    flags.DEFINE_string("annotations", None, "In COCO's format, JSON.")
    flags.DEFINE_string(
        "images", None, "Their folder; with --predictions for pictures only."
    )
    flags.DEFINE_string("out", None, "Folder for the report; it is made.")
    flags.DEFINE_float("min_score", MIN_SCORE, "Of what is drawn, 0 to 1.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
