"""Whether a command is starting; keeps TensorFlow's messages out of it.

Imported before anything that imports TensorFlow. A program that imports this
package is left alone.
"""

import importlib.machinery
import os
import pathlib
import sys

from nasnet_tf.terminal.native_output import native_log_hidden

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
SCRIPT = "nasnet"
PACKAGES = ("nasnet_tf", "detection", "export")


def _is_starting():
    """Whether this is `python -m` of a module of ours, or the console script.

    `nasnet.py` would be somebody's own.
    """
    if pathlib.PurePath(sys.argv[0]).name in (SCRIPT, f"{SCRIPT}.exe"):
        return True
    # While Python looks for the module of `python -m`.
    if sys.argv[0] != "-m":
        return False
    options = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    module = options[-1].removeprefix("-m") if options else ""
    return module.partition(".")[0] in PACKAGES


class _TensorFlowFinder:
    """Finds TensorFlow as Python does; hides its log while it is imported.

    TensorFlow 2.21 reads the level too late for what it logs then.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            # The loader is this import's own, whatever its class says.
            spec.loader.exec_module = _quietly(  # type: ignore[method-assign]
                spec.loader.exec_module
            )
        return spec


def _quietly(exec_module):
    def exec_module_quietly(module):
        level = os.environ.get(LEVEL, "")
        with native_log_hidden(int(level) if level.isdecimal() else 0):
            exec_module(module)

    return exec_module_quietly


STARTING = bool(sys.argv) and _is_starting()
if STARTING:
    # Not where the user has asked for more.
    os.environ.setdefault(LEVEL, "3")
    sys.meta_path.insert(0, _TensorFlowFinder())
