r"""Measures a detector, or a file of its results, as COCO does.

python -m detection.evaluate --model=runs/digits --images=scenes/val \
    --annotations=scenes/val.json --out=report
python -m detection.evaluate --predictions=report/predictions.json \
    --annotations=scenes/val.json
"""

from absl import flags

from detection.evaluation.drawing import MIN_SCORE
from detection.evaluation.reports import evaluate_model, evaluate_predictions
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


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
    if values.bfloat16 and values.predictions:
        raise InputError(
            "bfloat16: it is of a --model, and --predictions are computed; "
            "leave it out"
        )
    needed = ["annotations"] + (["out", "images"] if values.model else [])
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
            allow_outside=values.allow_outside,
            strict=values.strict,
            bfloat16=values.bfloat16,
        )
    else:
        evaluate_predictions(
            values.predictions,
            values.annotations,
            values.out,
            values.images,
            values.min_score,
            allow_outside=values.allow_outside,
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
    flags.DEFINE_string(
        "out", None, "Folder for the report; --predictions need none."
    )
    flags.DEFINE_float("min_score", MIN_SCORE, "Of what is drawn, 0 to 1.")
    flags.DEFINE_boolean(
        "allow_outside", False, "Read images that are not below --images too."
    )
    flags.DEFINE_boolean(
        "bfloat16", False, "With --model: convolve in bfloat16."
    )
    flags.DEFINE_boolean(
        "strict", False, "With --model: refuse images that cannot be read."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
