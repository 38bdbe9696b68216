"""The versions that a bug report needs."""

import importlib.metadata
import platform

from nasnet_tf.version import __version__

PACKAGES = (
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "numpy",
    "tf-models-official",
    "tensorflow-datasets",
    "pycocotools",
    "ai-edge-litert",
    "onnx",
    "onnxruntime",
)


def versions() -> str:
    """A line each: this package, Python, the system, what is installed."""
    found = {
        "nasnet_tf": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    width = max(map(len, found))
    return "\n".join(f"{name:{width}}  {text}" for name, text in found.items())
