"""What TensorFlow logs while a command imports it."""

import os
import subprocess
import sys

import pytest

from nasnet_tf.terminal import quiet_commands
from tests.commands import LIGHT

HEADER = "WARNING: All log messages before absl::InitializeLog() is called are"
INFO = "I0000 00:00:1795830934.457199   21469 port.cc:153] oneDNN is on"
WARNING = "W0000 00:00:1795830934.457199   21469 cpu.cc:1] slow"
ERROR = "E0000 00:00:1795830934.457199   21469 cuda.cc:1] registered already"
FATAL = "F0000 00:00:1795830934.457199   21469 cpu.cc:1] AVX is missing"
PLAIN = "Illegal instruction"
LATER = "I0000 00:00:1795830934.457199   21469 job.cc:1] of a job"
LOG = [HEADER, INFO, WARNING, ERROR, PLAIN, FATAL]


def stderr_of_a_command(folder, ending="", level=None):
    """Of one that imports a TensorFlow that logs, as 2.21 does at any level.

    2.20 logs nothing at the level of commands.
    """
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text(
        f"import os\nos.write(2, {chr(10).join([*LOG, '']).encode()})\n{ending}"
    )
    environment = {k: v for k, v in os.environ.items() if k[:3] != "TF_"}
    if level is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{LIGHT}import nasnet_tf, tensorflow, os\n"
            f"os.write(2, {LATER.encode()})",
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stderr.splitlines()


@pytest.mark.parametrize(
    "level, lines",
    [
        (None, [PLAIN, FATAL, LATER]),
        ("2", [ERROR, PLAIN, FATAL, LATER]),
        ("0", [*LOG, LATER]),
    ],
)
def test_a_command_hides_what_its_level_says(level, lines, tmp_path):
    assert stderr_of_a_command(tmp_path, level=level) == (0, lines)


def test_a_crash_tells_its_reason(tmp_path):
    code, lines = stderr_of_a_command(tmp_path, "os.abort()")
    assert code < 0 and lines == [PLAIN, FATAL]


def test_an_import_that_fails_says_so(tmp_path):
    code, lines = stderr_of_a_command(tmp_path, "raise ImportError('libc')")
    assert code == 1
    assert lines[:2] == [PLAIN, FATAL] and lines[-1] == "ImportError: libc"


def test_a_program_that_imports_the_package_keeps_its_log():
    own = quiet_commands._TensorFlowFinder
    assert not any(isinstance(finder, own) for finder in sys.meta_path)
