"""Exports the network as files for phones and servers."""

from export.job import export_model
from nasnet_tf.checks.errors import JobError
from nasnet_tf.quickstart.training import FOLDER

TITLE = "Files for phones and servers"
NEEDS = ("training",)

# Folder of each export, with format, quantisation and what it is.
EXPORTS = {
    "phone": ("litert", "none", "the network for LiteRT"),
    "phone_int8": ("litert", "int8", "the network for LiteRT in 8 bits"),
    "server": ("onnx", "none", "the network for ONNX runtimes"),
}


def stage(context) -> dict:
    """Returns the `ExportResult` of each, by its folder's name."""
    # One model, so that it is traced once to compare with.
    model = context.results["training"].model
    config = context.out / FOLDER / "config.yaml"
    results = {}
    for name, (file_format, quantize, what) in EXPORTS.items():
        try:
            results[name] = export_model(
                model,
                file_format,
                context.out / name,
                quantize=quantize,
                calibration_images=100,
                config_files=[config],
                overwrite=True,
                quiet=True,
            )
        except JobError as error:
            context.failures.append(f"{name}: {error}")
            continue
        # As the other files, below `out` as it was given.
        file = context.out / name / results[name].model.name
        context.files[file] = what
    context.say(
        "The network was taken apart and rewritten for inference, and each "
        "file was run beside it on the held-out digits before it was kept; "
        "model_card.md beside each says what was found."
    )
    context.section.table(
        ["file", "size (kB)", "an image (ms)", "accuracy", "same answer"],
        [_row(result) for result in results.values()],
        "one thread; same answer: the share of digits for which the file and "
        "the network name the same class",
    )
    context.metrics["exports"] = {
        name: {
            "bytes": result.size,
            "seconds": result.latency,
            "accuracy": result.accuracy and result.accuracy[1],
            "agreement": result.parity.agreement,
        }
        for name, result in results.items()
    }
    return results


def _row(result):
    accuracy = "-"
    if result.accuracy is not None:
        accuracy = f"{result.accuracy[1]:.2%}"
    return [
        f"{result.folder.name}/{result.model.name}",
        f"{result.size / 1e3:,.0f}",
        f"{result.latency * 1e3:.2f}",
        accuracy,
        f"{result.parity.agreement:.2%}",
    ]
