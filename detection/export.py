r"""Exports a trained detector as a SavedModel or for LiteRT.

python -m detection.export --model=runs/scenes --format=litert --out=exported
python -m detection.predict --model=exported --images=photos --out=found

What was written is run beside the checkpoint, and kept if it finds the same.
"""

import shlex
import sys

from absl import flags

from detection.exporting.export import (
    FORMATS,
    QUANTIZATIONS,
    export_detector,
)
from nasnet_tf.checks.arguments import expanded_path, parse_image_size
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


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
