"""What libraries print past Python."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def native_lines_hidden() -> Iterator[None]:
    """Hides what is written to stderr, by native code too.

    LiteRT tells of each delegate that it makes, and has no switch for it.
    Errors are exceptions, and pass.
    """
    # What Python still holds was written before, and is shown.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        # And what it holds now is hidden with the rest.
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
