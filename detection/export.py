r"""Exports a trained detector as a SavedModel or for LiteRT.

python -m detection.export --model=runs/scenes --format=litert --out=exported
python -m detection.predict --model=exported --images=photos --out=found

What was written is run beside the checkpoint, and kept if it finds the same.
"""

import shlex
import sys

from absl import flags

from detection.data.categories import CATEGORIES_FILE
from detection.detectors.files import FILES
from detection.job_folder import PARAMS_FILE
from nasnet_tf.checks.arguments import (
    MIN_SIZE,
    check_choice,
    check_image_size,
    expanded_path,
    parse_image_size,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.files.output_folder import check_folder
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.stages import Stages

FORMATS = ("saved_model", "litert")
QUANTIZATIONS = ("none", "float16", "dynamic")


def export_detector(
    model,
    out,
    format: str = "saved_model",
    checkpoint: str | None = None,
    image_size=None,
    images=None,
    quantize: str = "none",
    overwrite: bool = False,
    command: str | None = None,
    quiet: bool = False,
):
    """Exports a detector to a folder, and shows that it finds the same.

    The folder holds `saved_model/` or `model.tflite`, `params.yaml`,
    `categories.json` where the job has it, `model_card.md` and
    `model_card.json`. It is written whole or not at all.

    Args:
        model: the folder of a job of `detection.train`.
        out: the folder; folders above it are made.
        format: `"saved_model"` or `"litert"`.
        checkpoint: see `detection.detectors.load_detector`.
        image_size: pixels, or `(height, width)`, that images are fitted into;
            None: as in training.
        images: a folder of images to compare on, or one image; None: scenes
            of handwritten digits.
        quantize: of LiteRT's weights: `"float16"`, `"dynamic"` (8 bits) or
            `"none"`.
        overwrite: replace an earlier export.
        command: that made it, for the card.
        quiet: print nothing.

    Returns:
        A `detection.exporting.card.ExportResult`.

    Raises:
        InputError: an argument is bad, there is no such checkpoint, or the
            folder cannot be written.
        JobError: the exported file finds other objects than the checkpoint,
            or cannot be run; nothing is kept.
    """
    check_choice("format", format, FORMATS)
    check_choice("quantize", quantize, QUANTIZATIONS)
    if quantize != "none" and format != "litert":
        raise InputError(
            f"quantize: {quantize!r} with format {format!r}, which is exported "
            "in float32 only; leave it out, or take --format=litert"
        )
    size = image_size
    if size is not None:
        size = check_image_size(size, least=MIN_SIZE)
    packages = {"tf-models-official": "official"}
    if format == "litert":
        packages["ai-edge-litert"] = "ai_edge_litert"
    check_packages(f"format {format!r}", packages, extra="detection")
    model = expanded_path("model", model)
    # TensorFlow, which help and the checks before do without.
    from detection.exporting.card import CARDS

    names = {*FILES.values(), PARAMS_FILE, CATEGORIES_FILE, *CARDS}
    out = check_folder(out, names, overwrite)
    # Model Garden, which is slow to import.
    from detection.exporting.job import run_export

    return run_export(
        model,
        out,
        format,
        checkpoint,
        size,
        images,
        quantize,
        command,
        Stages(quiet),
    )


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    for name in ("model", "out"):
        if not values[name].value:
            raise InputError(f"{name}: missing; give --{name}=FOLDER")
    result = export_detector(
        values.model,
        values.out,
        values.format,
        checkpoint=values.checkpoint,
        image_size=parse_image_size(values.image_size, ("640", "480x640")),
        images=values.images,
        quantize=values.quantize,
        overwrite=values.overwrite,
        command=shlex.join(["python", "-m", "detection.export", *sys.argv[1:]]),
    )
    print(f"parity: {result.parity}\nwrote")
    for path in sorted(expanded_path("out", values.out).iterdir()):
        print(f"  {path}")


def define_flags():
    flags.DEFINE_string("model", None, "The folder of a training job.")
    flags.DEFINE_string("out", None, "The folder to write.")
    flags.DEFINE_enum("format", "saved_model", FORMATS, "What to write.")
    flags.DEFINE_string(
        "checkpoint", None, "Such as ckpt-400; default: the latest."
    )
    flags.DEFINE_string(
        "image_size", None, "Pixels, or HEIGHTxWIDTH; default: as in training."
    )
    flags.DEFINE_string(
        "images", None, "Images to compare on; default: scenes of digits."
    )
    flags.DEFINE_enum(
        "quantize", "none", QUANTIZATIONS, "How weights are stored; LiteRT."
    )
    flags.DEFINE_bool("overwrite", False, "Replace an earlier export.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
