"""NASNetMobile's exported files beside those of the stock converters.

python benchmarks/exports.py --folder=runs/export_benchmark
python benchmarks/exports.py --formats=saved_model

The stock files are `keras.applications.NASNetMobile` through `tf.lite`'s
converter (float32, dynamic range, int8 calibrated on the same images) and
Keras's `export`; ours have the same weights, random ones with batch-norm
statistics that are not trivial, since speed does not depend on them. All run
in turn, each in a process of its own; figures are medians. Files that are in
the folder already are used again: delete it after a change of the code.
"""

import contextlib
import io
import json
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import flags

import nasnet_tf
from export.benchmarking.benchmark import benchmark
from export.benchmarking.report import format_results
from export.formats.litert import litert_content
from export.graph import read_model, to_keras
from export.rewrites import for_format, rewrite
from export.sources.images import inputs, sample_photos
from nasnet_tf.checks.arguments import (
    check_choice,
    check_integer,
    check_number,
    parse_integers,
)
from nasnet_tf.files.output_file import make_folder
from nasnet_tf.terminal import command_line

SIZE = 224
CALIBRATION = 100
BATCHES = (1, 16)
LITERT = ("none", "float16", "dynamic", "int8")
SECONDS = 15.0


def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    for name in values.formats:
        check_choice("formats", name, FILES)
    threads = parse_integers("threads", values.threads)
    for count in threads:
        check_integer("threads", count)
    check_number("seconds", values.seconds, "[0, inf]")
    folder = make_folder(values.folder, "folder")
    write_missing(folder, values.formats)
    results = time_files(folder, values.formats, threads, values.seconds)
    print(json.dumps(ratios(results), indent=1))


def write_missing(folder, formats):
    """Writes the files that are not in the folder."""
    networks = Networks(folder)
    for name in formats:
        for path, write in FILES[name](folder).items():
            if path.exists():
                continue
            start = time.perf_counter()
            with (
                contextlib.redirect_stdout(io.StringIO()),
                written_whole(path) as beside,
            ):
                write(networks, beside)
            print(f"{path} in {time.perf_counter() - start:.1f} s", flush=True)


@contextlib.contextmanager
def written_whole(path):
    """Gives a path for a file or folder, and renames it once it is written.

    A killed run would leave a half file, which the next took for whole.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        beside = pathlib.Path(folder) / path.name
        yield beside
        beside.rename(path)


def time_files(folder, formats, threads, seconds):
    """Times stock and ours, prints a table for each batch, returns all."""
    results = []
    for name in formats:
        counts = threads if name != "saved_model" else [os.cpu_count()]
        for batch in BATCHES if name != "litert" else (1,):
            found = benchmark(
                list(FILES[name](folder)), counts, batch=batch, seconds=seconds
            )
            print(format_results(found))
            results += found
    return results


class Networks:
    """The stock network and ours, built when they are needed."""

    def __init__(self, folder):
        self.weights = folder / "stock.keras"
        self._stock = self._ours = None

    @property
    def stock(self):
        if self._stock is None and self.weights.exists():
            self._stock = keras.saving.load_model(self.weights)
        if self._stock is None:
            self._stock = keras.applications.NASNetMobile(weights=None)
            _vary_statistics(self._stock)
            with written_whole(self.weights) as beside:
                self._stock.save(beside)
        return self._stock

    @property
    def ours(self):
        if self._ours is None:
            _ = self.stock
            model = nasnet_tf.NASNetMobile(weights=None, padding="keras")
            nasnet_tf.load_weights(model, self.weights)
            self._ours = read_model(model, SIZE)
        return self._ours


def _vary_statistics(model):
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    generator.uniform(0.5, 1.5, shape),
                    generator.normal(0, 0.1, shape),
                    generator.normal(0, 0.1, shape),
                    generator.uniform(0.5, 1.5, shape),
                ]
            )


def calibration():
    """The images that both int8 files are calibrated on."""
    return inputs(sample_photos((SIZE, SIZE), 3, CALIBRATION), "scale")


def stock_litert(quantize):
    """A writer of the converter's file."""

    def write(networks, path):
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_keras_model(networks.stock)
        if quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantize == "int8":
            converter.representative_dataset = lambda: (
                [image[None]] for image in calibration()
            )
        path.write_bytes(converter.convert())

    return write


def our_litert(quantize):
    """A writer of our file."""

    def write(networks, path):
        graph = rewrite(networks.ours, for_format("litert", quantize))
        images = calibration() if quantize == "int8" else None
        path.write_bytes(litert_content(graph, quantize, images))

    return write


def our_saved_model(networks, path):
    """Writes our SavedModel."""
    from export.formats.saved_model import write_saved_model

    graph = rewrite(networks.ours, for_format("saved_model"))
    write_saved_model(to_keras(graph), path, "scale")


def stock_onnx(networks, path):
    """Writes the file of Keras's exporter."""
    from export.formats.onnx_model import write_onnx

    write_onnx(networks.stock, path)


def our_onnx(networks, path):
    """Writes our ONNX file."""
    from export.formats.onnx_model import write_onnx

    graph = rewrite(networks.ours, for_format("onnx"))
    write_onnx(to_keras(graph), path)


def litert_files(folder):
    """Paths with what writes them, stock and ours in turn."""
    files = {}
    for quantize in LITERT:
        name = {"none": "float32"}.get(quantize, quantize)
        files[folder / f"stock_{name}.tflite"] = stock_litert(quantize)
        files[folder / f"ours_{name}.tflite"] = our_litert(quantize)
    return files


def saved_model_files(folder):
    """Paths with what writes them."""
    return {
        folder / "stock_saved_model": lambda networks, path: (
            networks.stock.export(path, verbose=False)
        ),
        folder / "ours_saved_model": our_saved_model,
    }


def onnx_files(folder):
    """Paths with what writes them."""
    return {
        folder / "stock.onnx": stock_onnx,
        folder / "ours.onnx": our_onnx,
    }


FILES = {
    "litert": litert_files,
    "saved_model": saved_model_files,
    "onnx": onnx_files,
}


def ratios(results):
    """Stock over ours, of time and of size, by file, batch and threads."""
    found = {}
    for ours in results:
        name = pathlib.Path(ours.path).name
        if not name.startswith("ours"):
            continue
        stock = next(
            r
            for r in results
            if pathlib.Path(r.path).name == name.replace("ours", "stock")
            and (r.batch, r.threads) == (ours.batch, ours.threads)
        )
        key = f"{name}, batch {ours.batch}, threads {ours.threads}"
        found[key] = {
            "stock_ms": round(stock.median * 1e3, 2),
            "ours_ms": round(ours.median * 1e3, 2),
            "ratio": round(stock.median / ours.median, 2),
            "size": round(ours.file_size / stock.file_size, 3),
        }
    return found


if __name__ == "__main__":
    flags.DEFINE_string("folder", "runs/export_benchmark", "Of files.")
    flags.DEFINE_list("formats", list(FILES), "What to time.")
    flags.DEFINE_list("threads", ["1"], "Of LiteRT and ONNX files.")
    flags.DEFINE_float("seconds", SECONDS, "Timed for each file.")
    command_line.run(main)
