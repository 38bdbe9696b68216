"""The card of an exported detector: model_card.md and model_card.json."""

import dataclasses
import json
import pathlib
import platform

import numpy as np
import tensorflow as tf

from detection.detectors.files import LITERT_FILE
from detection.detectors.letterbox import MEAN_PIXEL
from detection.exporting.parity import DetectorParity
from nasnet_tf.terminal.hardware import processor_name
from nasnet_tf.version import __version__

CARDS = ("model_card.md", "model_card.json")
FORMATS = {"saved_model": "SavedModel", "litert": "LiteRT"}


@dataclasses.dataclass(frozen=True)
class DetectorExportResult:
    """An exported detector and what was measured of it.

    Args:
        folder: that holds the files.
        model: name of the exported file, or of the SavedModel's folder.
        format: `"saved_model"` or `"litert"`.
        quantize: see `detection.export.export_detector`.
        source: name of the detector that was exported.
        num_bytes: of the model.
        num_classes: the background included.
        image_size: height and width that images are fitted into.
        padded_size: height and width of the network's input.
        parity: with the checkpoint.
        seconds: median of an image, letterboxing included, on this machine;
            of LiteRT on one thread.
        checkpoint_seconds: of the checkpoint, on all cores.
        delegation: of LiteRT: its operations, and pieces that XNNPACK runs.
        keep_aspect_ratio: of images; else they are stretched to `image_size`.
        half_pixel_centers: see `detection.modeling.stretching`.
    """

    folder: pathlib.Path
    model: str
    format: str
    quantize: str
    source: str
    num_bytes: int
    num_classes: int
    image_size: tuple[int, int]
    padded_size: tuple[int, int]
    parity: DetectorParity
    seconds: float
    checkpoint_seconds: float
    delegation: dict[str, int] | None = None
    keep_aspect_ratio: bool = True
    half_pixel_centers: bool = True


def write_cards(
    folder: pathlib.Path,
    result: DetectorExportResult,
    command: str | None = None,
) -> None:
    """Writes what was exported, how it is run and what was measured.

    Args:
        folder: to write in.
        result: of the export.
        command: that made it; None: it was made from Python.

    Raises:
        OSError: they cannot be written.
    """
    values = dataclasses.asdict(result)
    # A path, which JSON does not have, and of this machine.
    del values["folder"]
    values |= {
        "inputs": _inputs(result),
        "outputs": _outputs(result),
        "processor": processor_name(),
        "versions": _versions(),
        "command": command,
    }
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    markdown, data = (folder / name for name in CARDS)
    data.write_text(text + "\n", encoding="utf-8")
    markdown.write_text(_markdown(result, command), encoding="utf-8")


def _inputs(result):
    if result.format == LITERT_FILE:
        height, width = result.padded_size
        mean = ", ".join(f"{value:.3f}" for value in MEAN_PIXEL)
        fitted = "fitted into" if result.keep_aspect_ratio else "stretched to"
        centers = ""
        if not result.half_pixel_centers:
            centers = " and without half-pixel centres, as TensorFlow 1 did,"
        return {
            "images": f"float32 (1, {height}, {width}, 3), RGB from 0 to 255: "
            f"an image {fitted} {result.image_size[0]}x"
            f"{result.image_size[1]} at the top left, bilinear without "
            f"antialiasing,{centers} the rest ({mean})"
        }
    return {
        "serving_default: inputs": "uint8 (batch, any height, any width, 3), "
        "RGB",
        "encoded: inputs": "strings (batch,): JPEG or PNG files of any sizes, "
        "their EXIF orientation is not read",
    }


def _outputs(result):
    outputs = {
        "detection_boxes": "float32 (batch, n, 4): ymin, xmin, ymax, xmax in "
        "pixels of the network's input",
        "detection_scores": "float32 (batch, n), descending",
        "detection_classes": "int32 (batch, n), labels from 1; "
        "categories.json says the id and the name of each",
        "num_detections": "int32 (batch,); what comes after so many is empty",
    }
    if result.format != LITERT_FILE:
        outputs["image_info"] = (
            "float32 (batch, 4, 2); boxes divided by image_info[:, 2], the "
            "scale of y and x, are in pixels of the image"
        )
    return outputs


def _versions():
    return {
        "nasnet_tf": __version__,
        "TensorFlow": tf.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }


def _markdown(result, command):
    bound = result.parity.bound
    measured = [
        f"Size: {result.num_bytes / 1e6:.2f} MB.",
        f"Parity with the checkpoint: {result.parity}. Asked for: "
        f"{bound.found:.0%} within {bound.box:.2g} px and {bound.score:.2g}.",
        f"An image takes {result.seconds * 1e3:.1f} ms"
        + (" on one thread" if result.format == LITERT_FILE else "")
        + f", the checkpoint {result.checkpoint_seconds * 1e3:.1f} ms "
        f"on all cores of {processor_name()}; medians, fitting it included.",
    ]
    if result.delegation:
        measured.append(
            f"{result.delegation['operations']} operations, all built into "
            f"LiteRT; XNNPACK runs {result.delegation['partitions']} pieces."
        )
    lines = [
        f"# Detector as {FORMATS[result.format]}",
        "",
        f"Exported from {result.source}; {result.num_classes - 1} classes, "
        f"weights {'float32' if result.quantize == 'none' else result.quantize}"
        ". `params.yaml` is its configuration, `categories.json` says the "
        "id and the name of each label.",
        "",
        "## Run it",
        "",
        *_fenced(
            "python -m detection.predict --images=photos --out=found "
            f"--model={result.folder.name}",
            "sh",
        ),
        "",
        "## Inputs and outputs",
        "",
        *_listed(_inputs(result)),
        *_listed(_outputs(result)),
        "",
        "## Measured",
        "",
        *[f"* {line}" for line in measured],
        "",
        "## Made with",
        "",
        *_fenced(command or "detection.export.export_detector", "sh"),
        "",
        ", ".join(f"{name} {value}" for name, value in _versions().items()),
    ]
    return "\n".join(lines) + "\n"


def _listed(entries):
    return [f"* `{name}`: {text}" for name, text in entries.items()]


def _fenced(text, language):
    return [f"```{language}", text, "```"]
