"""Whether a command is starting; keeps TensorFlow's messages out of it.

Imported before anything that imports TensorFlow. A program that imports this
package is left alone.
"""

import os
import pathlib
import sys

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


STARTING = bool(sys.argv) and _is_starting()
if STARTING:
    # Not where the user has asked for more.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
