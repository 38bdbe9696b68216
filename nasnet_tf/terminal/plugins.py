"""Modules of the user's own that every command imports before it starts.

    NASNET_TF_PLUGINS=my_operations,strategies/mine.py nasnet search ...

They call `nasnet_tf.register_operation`, `export.targets.register_target`,
`nasnet_tf.search.strategies.register_strategy` or Keras' own registration. The
processes that a command starts, workers of a search among them, inherit the
variable.
"""

import importlib
import os
import pathlib
import sys

from nasnet_tf.checks.errors import InputError, first_line

VARIABLE = "NASNET_TF_PLUGINS"


def import_plugins() -> None:
    """Imports what NASNET_TF_PLUGINS names: modules or `.py` files.

    Raises:
        InputError: one cannot be imported; says which, and why.
    """
    for name in os.environ.get(VARIABLE, "").split(","):
        if name := name.strip():
            try:
                _import(name)
            # Whatever the user's module raises.
            except Exception as error:
                reason = f"{type(error).__name__}: {first_line(error)}"
                raise InputError(
                    f"{VARIABLE}: {name!r} cannot be imported ({reason}); "
                    "give a module or a .py file, several with commas"
                ) from error


def _import(name):
    if not name.endswith(".py"):
        importlib.import_module(name)
        return
    path = pathlib.Path(name).resolve()
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    # Last, so that it hides nothing; and there, so that the process in which
    # a format is timed finds the module too.
    sys.path.append(str(path.parent))
    found = pathlib.Path(importlib.import_module(path.stem).__file__ or "")
    if found.resolve() != path:
        raise ImportError(f"{found} has the same name; choose another")
