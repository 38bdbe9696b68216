"""One job at a time in a folder."""

import contextlib

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import cannot_be_written, make_folder

LOCK_FILE = ".lock"


@contextlib.contextmanager
def exclusive(model_dir):
    """Makes the folder of a job and keeps other processes from training in it.

    Gives the open file of the lock. A process that inherits it holds the lock
    too, until it ends.

    Raises:
        InputError: the folder cannot be made or written in, or another
            process trains in it.
    """
    path = make_folder(model_dir, "model_dir") / LOCK_FILE
    try:
        file = path.open("w")
    except OSError as error:
        raise cannot_be_written("model_dir", path, error) from None
    with file:
        _lock(file, model_dir)
        yield file


def _lock(file, model_dir):
    # The system lets go of it however the process ends.
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return
    except BlockingIOError:
        raise InputError(
            f"model_dir: another process trains in {model_dir}; wait for it, "
            "or give another folder"
        ) from None
