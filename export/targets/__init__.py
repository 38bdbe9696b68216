"""What can be written: one `ExportTarget` for each format, a file each.

A command reads its flags here, so nothing is imported but data: functions
stand as `"module:name"` and are looked up when they are needed.
"""

from export.targets.keras_file import KERAS
from export.targets.litert import LITERT
from export.targets.onnx import ONNX
from export.targets.saved_model import SAVED_MODEL
from export.targets.target import ExportTarget
from export.targets.web import WEB
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError

INPUT_TYPES = ("float32", "uint8")

TARGETS = {
    target.name: target for target in (SAVED_MODEL, LITERT, ONNX, KERAS, WEB)
}
# Before users add theirs.
_OURS = frozenset(TARGETS)


def get_target(format: str) -> ExportTarget:
    """The target of a format.

    Raises:
        InputError: there is none.
    """
    check_choice("format", format, TARGETS)
    return TARGETS[format]


def register_target(target: ExportTarget) -> None:
    """Adds a format that `export.job.export_model` can write.

    `export.run` writes it too, where NASNET_TF_PLUGINS names the module that
    calls this (see `nasnet_tf.terminal.plugins`).
    Do it where the module that has the target's runner is imported: what was
    written is timed in a process that imports this module.

    Raises:
        InputError: the name or the file is another target's.
    """
    for other in TARGETS.values():
        if other != target and target.name == other.name:
            raise InputError(
                f"name: there is a target {target.name!r} already; choose "
                "another"
            )
        if other != target and target.ending == other.ending:
            raise InputError(
                f"file: {target.file} ends as a file of {other.name!r} does; "
                "choose another ending"
            )
    TARGETS[target.name] = target


def module_to_import(format: str) -> str | None:
    """What another process imports to know a format; None: it does."""
    if format in _OURS or format not in TARGETS:
        return None
    runner = TARGETS[format].runner
    if isinstance(runner, str):
        return runner.partition(":")[0]
    return runner.__module__
