"""Files of a search that outlive a crash, of the machine too."""

import contextlib
import os
import pathlib
import sys

from nasnet_tf.checks.errors import first_line
from nasnet_tf.files.output_file import cannot_be_written

_REMEDY = "what is done is kept: make room and run the same command to go on"


@contextlib.contextmanager
def writable(path):
    """Turns what the system and TensorFlow say of a file into one line.

    Raises:
        InputError: for any `OSError` and `OpError` inside.
    """
    try:
        yield
    except (OSError, *_tensorflow_errors()) as error:
        if not isinstance(error, OSError):
            # Its text is the path, a semicolon and the reason.
            error = OSError(first_line(error).rpartition("; ")[2])
        raise cannot_be_written("model_dir", path, error, _REMEDY) from None


def _tensorflow_errors():
    # Who has not imported TensorFlow, as the supervisor, gets none of them.
    tensorflow = sys.modules.get("tensorflow")
    return (tensorflow.errors.OpError,) if tensorflow else ()


def append(path, text: str) -> None:
    """Adds text to a file, and returns when the disk has it.

    Raises:
        OSError: it cannot be written; the file then ends as it did, or where
            even that fails with a part of the text.
    """
    path = pathlib.Path(path)
    is_new = not path.exists()
    # The mode is that of `open`; os.open alone makes files executable.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        try:
            _write(descriptor, text.encode())
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(path.parent)


def replace(path, content: bytes) -> None:
    """Writes a file beside `path` and renames it once the disk has it.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    path = pathlib.Path(path)
    # Of this process: workers write the same file into a shared folder.
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(
            beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666
        )
        try:
            _write(descriptor, content)
        finally:
            os.close(descriptor)
        beside.replace(path)
        sync_folder(path.parent)
    finally:
        # It is gone where it was renamed.
        with contextlib.suppress(OSError):
            beside.unlink()


def sync_folder(folder) -> None:
    """Waits until the disk knows which files a folder has."""
    # A new file's name is in its folder, which fsync of the file leaves out.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems cannot.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor, content):
    rest = memoryview(content)
    # The system may take a part only.
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
