"""The card of an exported model: model_card.md."""

import pathlib
import platform

import keras
import numpy as np

from export.comparison.parity import BOUNDS
from export.formats.labels import LABELS
from export.formats.litert.description import mediapipe_limit
from export.graph.preprocessing import CAFFE_MEAN, normalization
from export.reporting.result import ExportResult, size_text
from export.runtime.runners import library_version
from export.sources.original import Original
from export.targets import get_target
from nasnet_tf.terminal.hardware import processor_name
from nasnet_tf.version import __version__

QUANTIZATIONS = {
    "none": "float32",
    "float16": "float16 weights, float32 arithmetic",
    "dynamic": "8-bit weights, ranges of feature maps found while it runs",
    "int8": "8-bit weights and feature maps",
}
# As `export.graph.preprocessing` has it.
SCALINGS = {
    "scale": "pixels from 0 to 255 as pixel / 127.5 - 1",
    "whitening": "pixels, each image less its mean, over its deviation",
    "pixels": "pixels from 0 to 255 as they are; the network scales them",
    "unit": "pixels from 0 to 255 as pixel / 255",
    "torch": "pixels from 0 to 255, less {mean}, over {deviation}",
    "caffe": "pixels from 0 to 255 in the order BGR, less {mean}",
}
LISTED_CLASSES = 20
_TURNED = "turned as EXIF says"
_TELLS_LITTLE = (
    "The Keras model itself answers nearly the same to all of these images, so "
    "this says little."
)
_READ = """\
import numpy as np
from PIL import Image, ImageOps

photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("{mode}")
{crop}photo = photo.resize(({width}, {height}), Image.Resampling.BILINEAR)
"""
_CROP = """\
left, top = round(photo.width * {margin:g}), round(photo.height * {margin:g})
photo = photo.crop((left, top, photo.width - left, photo.height - top))
"""
_PIXELS = """\
images = np.asarray(photo, "{dtype}").reshape({shape})
"""
# By the preprocessing.
_SCALE = {
    "scale": "images = images / 127.5 - 1\n",
    "whitening": """\
images -= images.mean()
images /= max(images.std(), images.size**-0.5)
""",
    "pixels": "",
    "unit": "images /= 255\n",
    "torch": """\
images -= np.array({mean}, "float32")
images /= np.array({deviation}, "float32")
""",
    "caffe": """\
images = images[..., ::-1] - np.array({mean}, "float32")
""",
}


def write_card(
    path: pathlib.Path,
    result: ExportResult,
    original: Original,
    command: str | None = None,
) -> None:
    """Writes what was exported, how to run it and what was measured.

    Args:
        path: of the card; the exported model lies beside it.
        result: of the export.
        original: the Keras model.
        command: that made it; None: it was made from Python.

    Raises:
        OSError: it cannot be written.
    """
    sections = {
        "Files": _files(result),
        **_serving(result),
        "Input and output": _interface(result, original),
        "Measured": _measured(result),
        "Parity": _parity(result),
        "Limits": _limits(result, original),
        "Made with": _made_with(result, path.parent, command),
    }
    lines = [f"# {original.title} as {get_target(result.format).title}", ""]
    lines.append(
        f"{QUANTIZATIONS[result.quantize][0].upper()}"
        f"{QUANTIZATIONS[result.quantize][1:]}. Exported from "
        f"{_code(original.name)}."
    )
    for heading, section in sections.items():
        lines += ["", f"## {heading}", "", *section]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _example(result, original):
    """Code that runs the file on a photo."""
    height, width = original.size
    margin = (1 - original.reading.crop) / 2
    read = _READ.format(
        crop=_CROP.format(margin=margin) if margin else "",
        mode="RGB" if original.channels == 3 else "L",
        width=width,
        height=height,
    )
    scale = _PIXELS.format(
        dtype=result.input_type, shape=(1, height, width, original.channels)
    )
    if result.input_type != "uint8":
        scale += _SCALE[original.preprocessing].format(**_constants(original))
    run = get_target(result.format).example.format(file=result.model.name)
    return f"{read}{scale}\n{run}"


def _constants(original):
    """Mean and deviation of each channel, as the card prints them."""
    found = normalization(original.preprocessing, original.channels)
    mean, deviation = (CAFFE_MEAN, ()) if found is None else found
    return {
        name: [round(float(value), 3) for value in values]
        for name, values in (("mean", mean), ("deviation", deviation))
    }


def _code(text):
    """A text of the user's as Markdown that no letter of it can break."""
    text = " ".join(str(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def _table(rows, headings=("", "")):
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _files(result):
    target = get_target(result.format)
    runtime = target.runtime or target.title
    texts = {
        target.network_file: f"the network, to run with {runtime}",
        LABELS: "the classes in the order of the output, one a line",
    }
    rows = [
        (_code(name), size_text(size), texts.get(name, ""))
        for name, size in result.files.items()
    ]
    return _table(rows, ("file", "size", "what"))


def _serving(result):
    serving = get_target(result.format).serving
    if not serving:
        return {}
    return {"Serving": [serving.format(file=result.model.name)]}


def _interface(result, original):
    shape, dtype = result.timing.input_shape, result.timing.input_dtype
    batch = get_target(result.format).batch
    pixels = "of a grey image" if original.channels == 1 else "in RGB"
    scaling = SCALINGS[original.preprocessing].format(**_constants(original))
    if result.input_type == "uint8":
        scaling = "pixels from 0 to 255; the file scales them"
    rows = [
        (
            "input",
            f"{dtype} ({batch}, {', '.join(map(str, shape[1:]))}), "
            f"{pixels}: {scaling}",
        ),
        ("image", f"{original.reading.describe(original.size)}, {_TURNED}"),
        ("output", f"float32 ({batch}, {original.classes}): {_output(result)}"),
        ("classes", _classes(original)),
    ]
    code = _example(result, original)
    return [*_table(rows), "", "```python", code, "```"]


def _output(result):
    return (
        "probabilities" if result.parity.probabilities else "scores, no softmax"
    )


def _classes(original):
    names = original.labels or []
    listed = ", ".join(_code(name) for name in names[:LISTED_CLASSES])
    more = len(names) - LISTED_CLASSES
    listed += f" and {more:,} more" if more > 0 else ""
    return f"{original.classes:,}{': ' if listed else ''}{listed}"


def _measured(result):
    timing = result.timing
    before, after = result.operations
    rows = [
        ("size", size_text(result.size)),
        (
            "latency",
            f"{result.latency * 1e3:.2f} ms: the median of "
            f"{len(timing.seconds)} runs on one image, one thread of "
            f"{processor_name()}",
        ),
        ("operations", f"{before:,} in the Keras model, {after:,} exported"),
    ]
    if timing.peak_memory is not None:
        memory = (
            f"{timing.peak_memory / 2**20:.1f} MiB at most, to load and run"
        )
        rows.append(("memory", memory))
    if timing.delegation:
        rows.append(("XNNPACK", _delegation(timing.delegation)))
    return _table(rows + _accuracy(result))


def _delegation(found):
    outside = ", ".join(f"{n} {name}" for name, n in found["outside"].items())
    partitions = found["partitions"]
    pieces = "1 piece" if partitions == 1 else f"{partitions} pieces"
    return f"{pieces}; outside: {outside or 'nothing'}"


def _accuracy(result):
    if not result.accuracy:
        return []
    before, after = result.accuracy
    return [
        ("top-1, Keras model", f"{before:.2%} of {result.parity.images}"),
        (
            "top-1, exported",
            f"{after:.2%}: {100 * (after - before):+.2f} points",
        ),
    ]


def _parity(result):
    parity, bound = result.parity, BOUNDS[result.quantize]
    rows = [
        (
            "largest difference, of the largest answer",
            f"{parity.difference:.1e}",
            _bound("at most", bound.difference),
        ),
        (
            "root mean square error, of the answers' spread over images",
            f"{parity.error:.1e}",
            _bound("at most", bound.error),
        ),
        (
            "images with the same best class",
            f"{parity.agreement:.2%}",
            _bound("at least", bound.agreement, "{:.0%}"),
        ),
    ]
    return [
        f"The exported file was run beside the Keras model on {parity.images}.",
        "",
        *_table(rows, ("", "found", "bound")),
        *([] if parity.tells else ["", _TELLS_LITTLE]),
    ]


def _bound(words, value, form="{:g}"):
    return "-" if value is None else f"{words} {form.format(value)}"


def _limits(result, original):
    limits = ["It knows its classes only, and takes all else for one."]
    if result.accuracy is None:
        limits.append("Its accuracy was not measured: no labels were given.")
    if result.calibration:
        limits.append(
            f"Feature maps have the ranges of {result.calibration}; images "
            "that are very different lose accuracy."
        )
    height, width = original.size
    limits.append(
        f"It reads {height}x{width} pixels only"
        + (
            "; the signatures for pixels and files resize to that."
            if result.format == "saved_model"
            else "."
        )
    )
    if result.format == "litert":
        limits.append(mediapipe_limit(original, result.input_type))
    return [f"* {limit}" for limit in limits]


def _made_with(result, folder, command):
    name, version = library_version(folder / result.model.name)
    versions = [
        f"nasnet_tf {__version__}",
        f"Keras {keras.__version__}",
        f"{name} {version}",
        f"NumPy {np.__version__}",
        f"Python {platform.python_version()}",
    ]
    made = ["From Python, by `export.job.export_model`."]
    if command:
        made = ["```sh", command, "```"]
    rewrites = ", ".join(_code(name) for name in result.rewrites)
    return [
        *made,
        "",
        f"* Rewrites: {rewrites or 'none'}.",
        f"* Time: {result.seconds:.0f} s, on {processor_name()}.",
        f"* Versions: {', '.join(versions)}.",
    ]
