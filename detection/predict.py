r"""Detects objects in images, and draws them.

python -m detection.predict --model=runs/digits --images=photos --out=found
python -m detection.predict --model=exported/model.tflite --images=cat.jpg \
    --out=found --min_score=0.3

The same command goes on where it was stopped.
"""

from absl import flags

from detection.evaluation.drawing import DRAWN, MIN_SCORE, SHEET
from detection.evaluation.prediction import IMAGES, predict
from detection.evaluation.results import PREDICTIONS
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    for name in ("model", "images", "out"):
        if not getattr(values, name):
            raise InputError(f"{name}: missing; give --{name}")
    results = predict(
        values.model,
        values.images,
        values.out,
        values.min_score,
        values.max_images,
        values.checkpoint,
        values.strict,
        values.bfloat16,
    )
    out = expanded_path("out", values.out)
    files = ", ".join(
        str(out / name) for name in (DRAWN, SHEET, PREDICTIONS, IMAGES)
    )
    print(f"{len(results):,} detections; wrote {files}")


def define_flags():
    flags.DEFINE_string(
        "model", None, "A training job's folder, a SavedModel or a .tflite."
    )
    flags.DEFINE_string(
        "checkpoint", None, "Of a job, such as ckpt-400; default: the latest."
    )
    flags.DEFINE_string("images", None, "A folder of images, or one image.")
    flags.DEFINE_string("out", None, "Folder for the results; it is made.")
    flags.DEFINE_float("min_score", MIN_SCORE, "Leave out what is less sure.")
    flags.DEFINE_bool(
        "strict", False, "Skip nothing: a file that cannot be read is an error."
    )
    flags.DEFINE_bool(
        "bfloat16", False, "Convolve in bfloat16; of a job or a SavedModel."
    )
    flags.DEFINE_integer("max_images", None, "Only the first so many.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
