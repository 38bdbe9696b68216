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
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import flags

import nasnet_tf
from export.benchmark import benchmark
from export.benchmark_report import format_results
from export.graph import read_model, to_keras
from export.images import inputs, sample_photos
from export.rewrites import for_format, rewrite
from nasnet_tf import command_line
from nasnet_tf.arguments import check_choice

SIZE = 224
CALIBRATION = 100
SAVED_MODEL_BATCHES = (1, 16)
LITERT = ("none", "float16", "dynamic", "int8")
_FOLDER = flags.DEFINE_string("folder", "runs/export_benchmark", "Of files.")
_FORMATS = flags.DEFINE_list(
    "formats", ["litert", "saved_model", "onnx"], "What to time."
)
_THREADS = flags.DEFINE_list("threads", ["1"], "Of LiteRT and ONNX files.")
_SECONDS = flags.DEFINE_float("seconds", 15.0, "Timed for each file.")


def main(arguments):
    for name in _FORMATS.value:
        check_choice("formats", name, ("litert", "saved_model", "onnx"))
    folder = pathlib.Path(_FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    writers = {}
    for name in _FORMATS.value:
        writers |= FILES[name](folder)
    networks = Networks(folder)
    for path, write in writers.items():
        if not path.exists():
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                write(networks, path)
            print(f"{path} in {time.perf_counter() - start:.1f} s", flush=True)
    results = []
    threads = [int(count) for count in _THREADS.value]
    for name in _FORMATS.value:
        paths = list(FILES[name](folder))
        for batch in SAVED_MODEL_BATCHES if name != "litert" else (1,):
            results += benchmark(
                paths,
                threads if name != "saved_model" else [os.cpu_count()],
                batch=batch,
                seconds=_SECONDS.value,
            )
            print(format_results(results[-len(paths) * len(threads) :]))
    print(json.dumps(ratios(results), indent=1))


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
            self._stock.save(self.weights)
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
        from export.formats.litert.quantize import quantize_litert
        from export.formats.litert.writer import write_litert

        graph = rewrite(networks.ours, for_format("litert", quantize))
        content = write_litert(graph, float16=quantize == "float16")
        if quantize in ("dynamic", "int8"):
            images = calibration() if quantize == "int8" else None
            content = quantize_litert(content, quantize, images)
        path.write_bytes(content)

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
    command_line.run(main)
