r"""Exports a classifier: SavedModel, LiteRT, ONNX, Keras, a page.

python -m export.run --model=runs/digits --format=litert --quantize=int8 \
    --out=exported/digits
python -m export.run --model=flowers.keras --format=onnx --out=exported/flowers
python -m export.run --model=mobile.keras --format=litert --image_size=224 \
    --quantize=int8 --calibration=photos --out=exported/mobile
python -m export.run --model=runs/digits --format=web \
    --litert_js=node_modules --out=exported/page

The folder holds the file, `labels.txt` and `model_card.md`. The file is run
beside the Keras model first; if it answers otherwise, nothing is kept.
"""

import pathlib
import shlex
import sys

from absl import flags, logging

from export.comparison.parity import BOUNDS
from export.reporting.result import ExportResult, size_text
from export.sources.about import About
from export.targets import INPUT_TYPES, TARGETS, get_target
from nasnet_tf.checks.arguments import parse_image_size
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    if not values.model:
        raise InputError(
            "model: missing; give a .keras file, the model_dir of a "
            "training job or imagenet as --model"
        )
    if not values.format:
        raise InputError(f"format: missing; give one of {', '.join(TARGETS)}")
    image_size = parse_image_size(values.image_size, ("224", "224x320"))
    from export.job import export_model

    # The quantiser tells of each of its steps at INFO.
    if not values["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
    result = export_model(
        values.model,
        values.format,
        values.out,
        quantize=values.quantize,
        image_size=image_size,
        input_type=values.input_type,
        preprocessing=values.preprocessing,
        preset=values.preset,
        crop=values.crop,
        rewrites=values.rewrites,
        calibration=values.calibration,
        calibration_images=values.calibration_images,
        allow_random=values.allow_random,
        config_files=values.config_file or (),
        override=",".join(values.params_override or ()),
        evaluation_images=values.evaluation_images,
        overwrite=values.overwrite,
        strict=values.strict,
        labels=values.labels,
        about=About(values.author, values.license, values.model_version),
        litert_js=values.litert_js,
        command=shlex.join(["python", "-m", "export.run", *sys.argv[1:]]),
    )
    _tell(result, pathlib.Path(values.out))


def _tell(result: ExportResult, out):
    print(f"\ndone in {result.seconds:,.0f} s; wrote")
    names = {name: str(out / name) for name in result.files}
    width = max(map(len, names.values()))
    for name, size in result.files.items():
        print(f"  {names[name]:{width}}  {size_text(size):>10}")
    if result.skipped:
        print(f"skipped what cannot be read: {result.skipped}")
    if get_target(result.format).litert_js:
        folder = shlex.quote(str(out / result.model.name))
        print(f"try it: python -m http.server --directory {folder}")
    print(f"parity: {result.parity}")
    if result.accuracy:
        before, after = result.accuracy
        print(f"top-1: {before:.2%} of the Keras model, {after:.2%} exported")


def define_flags():
    flags.DEFINE_string(
        "model",
        None,
        "A .keras file, a job's folder, weights for --preset, or imagenet.",
    )
    flags.DEFINE_string(
        "preset", None, "The network of weights; imagenet: nasnet_a_mobile."
    )
    flags.DEFINE_enum("format", None, list(TARGETS), "What to write.")
    flags.DEFINE_enum(
        "quantize", "none", tuple(BOUNDS), "How numbers are stored; LiteRT."
    )
    flags.DEFINE_string(
        "litert_js",
        None,
        "Of a page: the node_modules that npm i @litertjs/core made, or a URL.",
    )
    flags.DEFINE_string("out", None, "The folder to write.")
    flags.DEFINE_bool("overwrite", False, "Replace an earlier export.")
    flags.DEFINE_string(
        "image_size", None, "Pixels, or HEIGHTxWIDTH, where the model has none."
    )
    flags.DEFINE_enum(
        "input_type", "float32", INPUT_TYPES, "uint8: the file scales pixels."
    )
    flags.DEFINE_string(
        "preprocessing",
        None,
        "Of models not of this zoo: scale ([-1, 1]), unit ([0, 1]), pixels, "
        "torch, caffe or whitening.",
    )
    flags.DEFINE_float(
        "crop", None, "Share of height and width, in place of the model's."
    )
    flags.DEFINE_string(
        "rewrites",
        None,
        "Names with commas, all or none; default: those that pay here.",
    )
    flags.DEFINE_string(
        "calibration", None, "Folder of photos for int8; default: the data's."
    )
    flags.DEFINE_integer("calibration_images", 200, "How many, 100 or more.")
    flags.DEFINE_bool(
        "allow_random", False, "Calibrate on noise if there are no images."
    )
    flags.DEFINE_bool(
        "strict", False, "Skip nothing: an image not to be read is an error."
    )
    flags.DEFINE_string(
        "labels", None, "Text file, a class a line; default: the model's own."
    )
    flags.DEFINE_string("author", None, "For LiteRT's metadata.")
    flags.DEFINE_string("license", None, "The same, such as Apache-2.0.")
    flags.DEFINE_string("model_version", None, "The same.")
    flags.DEFINE_multi_string(
        "config_file", None, "YAML that names the data; default: the job's."
    )
    flags.DEFINE_multi_string(
        "params_override", None, "Goes before the files: data.source=digits"
    )
    flags.DEFINE_integer(
        "evaluation_images", 1000, "Labelled images to measure on, at most."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
