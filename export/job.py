"""Exports a classifier: writes it, runs what was written, and compares."""

import dataclasses
import statistics
import time

from export.comparison.parity import BOUNDS, check
from export.comparison.side_by_side import compare_file
from export.formats import write_format
from export.formats.labels import (
    LABELS,
    check_labels,
    read_labels,
    write_labels,
)
from export.graph import read_model
from export.reporting.card import write_card
from export.reporting.result import ExportResult, path_size, size_text
from export.rewrites import REWRITES, for_format, rewrite
from export.runtime.timing import time_in_turn
from export.sources.about import About
from export.sources.image_choice import calibration_images as choose_calibration
from export.sources.image_choice import comparison_images
from export.sources.images import LEAST_CALIBRATION, photo_folder
from export.sources.original import read_original
from export.targets import INPUT_TYPES, TARGETS, get_target
from nasnet_tf.browser.litert_js import add_litert_js, find_litert_js
from nasnet_tf.checks.arguments import check_choice, check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.files.output_folder import check_folder, writing, written_folder
from nasnet_tf.terminal.stages import Stages

QUANTIZATIONS = tuple(BOUNDS)
CARD = "model_card.md"
# Few, since `time_in_turn` makes 20 runs in any case.
_TIMED_SECONDS = 0.2


def export_model(
    source,
    format: str,
    out,
    quantize: str = "none",
    image_size=None,
    input_type: str = "float32",
    preprocessing: str | None = None,
    crop: float | None = None,
    rewrites=None,
    calibration=None,
    calibration_images: int = 200,
    allow_random: bool = False,
    config_files=(),
    override: str | None = None,
    evaluation_images: int = 1000,
    overwrite: bool = False,
    strict: bool = False,
    labels=None,
    about: About | None = None,
    litert_js=None,
    command: str | None = None,
    quiet: bool = False,
    preset: str | None = None,
) -> ExportResult:
    """Exports a classifier to a folder, and shows that it answers the same.

    The folder holds `model.tflite`, `model.onnx`, `model.keras`,
    `saved_model/` or `web/`, a page that runs a `model.tflite` in the browser;
    with the names of the classes `labels.txt`; and `model_card.md`. It is
    written whole or not at all. Before that the exported file is run on real
    images beside the Keras model; see `export.comparison.parity`.

    Args:
        source: a `.keras` file, the model_dir of a training job, a
            `keras.Model` or `"imagenet"`; see
            `export.sources.original.read_original`.
        format: `"saved_model"`, `"litert"`, `"onnx"`, `"keras"` or `"web"`, or
            one registered with `export.targets.register_target`.
        out: the folder; folders above it are made.
        quantize: for LiteRT and pages: `"float16"`: weights; `"dynamic"`:
            8-bit weights; `"int8"`: weights and feature maps; or `"none"`.
        image_size: pixels, or `(height, width)`, of a model without a size.
        input_type: `"uint8"`: files other than a SavedModel take pixels, and
            scale them inside. It has a signature for these in any case.
        preprocessing: of a model that does not know its own; a key of
            `export.graph.preprocessing.PREPROCESSINGS`.
        crop: share of height and of width that it reads of an image, from the
            middle, in place of what it says.
        rewrites: names of `export.rewrites.REWRITES`, `"all"` or `"none"`;
            None: those that pay for this format.
        calibration: folder of photos for int8, at any depth; None: training
            images of the data. Without data they are compared on, too.
        calibration_images: how many, 100 or more.
        allow_random: calibrate on noise where there are no images.
        config_files: name the data; of a job they go before its own.
        override: goes before these, such as `"data.data_dir=moved"`.
        evaluation_images: labelled images, at most, to measure accuracy and
            parity on.
        overwrite: replace an earlier export.
        strict: an image that cannot be read is an error; else it is skipped,
            and the card counts them.
        labels: a text file with a line for each class, in place of the names
            that the model knows.
        about: author, license and version, for LiteRT's metadata.
        litert_js: of `"web"`: the folder `node_modules` that
            `npm i @litertjs/core` made, which is copied into the page's; or a
            URL that serves such a folder.
        command: that made it, for the card.
        quiet: print nothing.
        preset: the network of `"imagenet"` or of other weights.

    Raises:
        InputError: an argument is bad, the model cannot be exported so,
            images are missing, or the folder cannot be written.
        JobError: the exported file cannot be run, or answers otherwise than
            the bounds of its quantisation allow; nothing is kept.
    """
    began = time.perf_counter()
    _check(format, quantize, input_type, calibration_images, evaluation_images)
    target = get_target(format)
    litert_js = _litert_js(litert_js, target)
    chosen = _chosen(rewrites, format, quantize)
    if calibration:
        photo_folder(calibration, "calibration")
    out = check_folder(out, _names(), overwrite)
    stage = Stages(quiet)
    with stage("load the model") as tell:
        original = read_original(
            source,
            image_size,
            preprocessing,
            config_files,
            override,
            crop,
            preset,
        )
        original = dataclasses.replace(
            original,
            given_labels=_labels(original, labels),
            about=about,
        )
        tell(original.name)
    with stage("rewrite it") as tell:
        graph, operations = _rewritten(original, chosen)
        tell(f"{operations[0]} operations, then {operations[1]}")
    with stage("read images") as tell:
        images = comparison_images(
            original,
            calibration,
            evaluation_images,
            tell,
            calibration_images if quantize == "int8" else 0,
            strict,
        )
        calibrated_on = None
        if quantize == "int8":
            calibrated_on = choose_calibration(
                original,
                calibration,
                calibration_images,
                allow_random,
                strict,
            )
            tell(f"calibration: {calibrated_on.name}")
        tell(f"comparison: {images.name}")
    with written_folder(out) as folder:
        model = folder / target.file
        with stage(f"write {model.name}") as tell, writing(out):
            write_format(
                original,
                graph,
                model,
                format,
                quantize,
                input_type,
                calibrated_on,
            )
            if litert_js is not None:
                add_litert_js(model, litert_js)
            tell(size_text(path_size(folder / target.network_file)))
        with stage("compare with Keras") as tell:
            parity, accuracy = compare_file(
                model, original, images, quantize, input_type
            )
            check(parity)
            tell(f"best class the same on {parity.agreement:.2%}")
        with stage("time it") as tell:
            (timing,) = time_in_turn([(model, 1)], seconds=_TIMED_SECONDS)
            tell(f"{statistics.median(timing.seconds) * 1e3:.2f} ms an image")
        with writing(out):
            if original.labels:
                write_labels(folder / LABELS, original.labels)
            result = ExportResult(
                folder=out,
                model=out / model.name,
                files=_sizes(folder),
                format=format,
                quantize=quantize,
                input_type=input_type,
                parity=parity,
                accuracy=accuracy,
                timing=timing,
                operations=operations,
                rewrites=chosen,
                calibration=calibrated_on.name if calibrated_on else None,
                skipped=_skipped(images, calibrated_on),
                seconds=time.perf_counter() - began,
            )
            write_card(folder / CARD, result, original, command)
            # With the card, which is one of the files.
            result = dataclasses.replace(result, files=_sizes(folder))
    return result


def _check(format, quantize, input_type, calibration_images, evaluation_images):
    target = get_target(format)
    check_choice("quantize", quantize, QUANTIZATIONS)
    check_choice("input_type", input_type, INPUT_TYPES)
    if quantize not in target.quantizations:
        written = ("float32", *target.quantizations[1:])
        raise InputError(
            f"quantize: {quantize!r} with format {format!r}, which is exported "
            f"in {', '.join(written)} only; leave it out, or take "
            "--format=litert"
        )
    if input_type not in target.input_types:
        raise InputError(
            f"input_type: {input_type!r} with format {format!r}, which "
            f"{target.input_note}; leave it out"
        )
    check_integer("evaluation_images", evaluation_images)
    check_integer(
        "calibration_images", calibration_images, least=LEAST_CALIBRATION
    )
    check_packages(f"format {format!r}", target.packages, extra="export")


def _chosen(rewrites, format, quantize):
    """The names of the rewrites to make."""
    if rewrites is None:
        return tuple(for_format(format, quantize))
    if rewrites in ("all", "none"):
        return tuple(REWRITES) if rewrites == "all" else ()
    names = rewrites.split(",") if isinstance(rewrites, str) else rewrites
    for name in names:
        check_choice("rewrites", name, (*REWRITES, "all", "none"))
    # In the order in which they are made.
    return tuple(name for name in REWRITES if name in names)


def _labels(original, labels):
    """What the classes are to be called, where that is not the model's."""
    if labels is not None:
        return read_labels(labels, original.classes)
    if original.class_names is not None:
        check_labels(original.class_names, original.classes)
    return None


def _rewritten(original, names):
    """The network to write, and its number of operations before and after."""
    graph = read_model(original.model, original.size)
    rewritten = rewrite(graph, names)
    return rewritten, (len(graph), len(rewritten))


def _names():
    """All that an export can leave in its folder."""
    return [*(target.file for target in TARGETS.values()), LABELS, CARD]


def _litert_js(given, target):
    """LiteRT.js for a page; None of other formats, which do not take it."""
    if target.litert_js:
        return find_litert_js(given)
    if given:
        raise InputError(
            f"litert_js: {given!r} with format {target.name!r}, which is no "
            "page; leave it out, or take --format=web"
        )
    return None


def _skipped(*images):
    """What could not be read of images, for people."""
    found = [each.skipped for each in images if each is not None]
    return "; ".join(dict.fromkeys(filter(None, found)))


def _sizes(folder):
    networks = [target.network_file for target in TARGETS.values()]
    names = dict.fromkeys([*networks, *_names()])
    return {
        name: path_size(folder / name)
        for name in names
        if (folder / name).exists()
    }
