"""What libraries print past Python."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Copies what it is sent to stderr, less the lines that match. Being a process
# of its own it tells why native code aborted the one that it reads from.
_COPIER = """
import os, re, sys
hidden = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not hidden.match(line):
        os.write(2, line)
"""
# Of a library whose log is not set up yet, before its first line.
_LOG_HEADER = "WARNING: All log messages before absl::InitializeLog"


@contextlib.contextmanager
def native_lines_hidden() -> Iterator[None]:
    """Hides what is written to stderr, by native code too.

    LiteRT tells of each delegate that it makes, and has no switch for it.
    Errors are exceptions, and pass.
    """
    with open(os.devnull, "w") as nowhere, _stderr_sent_to(nowhere):  # noqa: PTH123
        yield


@contextlib.contextmanager
def native_log_hidden(level: int) -> Iterator[None]:
    """Hides lines of TensorFlow's log on stderr; all others pass.

    Args:
        level: as `TF_CPP_MIN_LOG_LEVEL`: 1 hides information, 2 warnings too,
            3 errors too. What ends the process is never hidden.
    """
    if level < 1 or sys.stderr is None:
        yield
        return
    hidden = rf"{_LOG_HEADER}|[{'IWE'[:level]}]\d{{4}} "
    copier = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _COPIER, hidden],
        stdin=subprocess.PIPE,
        # An interrupt from the terminal is for this process alone.
        start_new_session=True,
    )
    with copier, _stderr_sent_to(copier.stdin):
        yield


@contextlib.contextmanager
def _stderr_sent_to(file):
    # What Python still holds was written before, and is shown.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        os.dup2(file.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
