"""Locks: one job at a time in a folder, and what else is one's own."""

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
        # None is no reason to refuse: the system has no locks.
        if take_lock(file) is False:
            raise InputError(
                f"model_dir: another process trains in {model_dir}; wait for "
                "it, or give another folder"
            )
        yield file


def take_lock(opened) -> bool | None:
    """Locks an open file or folder until it is closed.

    Also by the end of the process, however that comes. It is `flock`, and not
    the library filelock, which locks files that it makes: folders are locked
    too, and a lock is handed on to child processes.

    Args:
        opened: a file, or a descriptor.

    Returns:
        Whether nobody else has it; None where the system, or the network disk,
        has no locks.
    """
    try:
        # Windows has none.
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True
