"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

from nasnet_tf.checks.errors import InputError, first_line

# Of the target's name, in that of the file beside it: a long name has room.
_KEPT = 40


def check_output(
    path, suffixes: Sequence[str] | None = None, argument: str = "out"
) -> pathlib.Path:
    """Tells before long work whether a file can be written.

    Args:
        path: of the file; it may exist.
        suffixes: how it may end, such as `(".svg", ".png")`, in small letters
            or in capitals; None: as it likes.
        argument: what the user gave the path as.

    Returns:
        The path.

    Raises:
        InputError: it ends otherwise, is a folder, or its folder does not
            exist or cannot be written in.
    """
    path = pathlib.Path(path)
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(
            f"{argument}: {path} does not end in {' or '.join(suffixes)}"
        )
    try:
        _attempt(path, argument)
    except InputError:
        raise
    # A ValueError where a path holds a null character.
    except (OSError, ValueError) as error:
        raise cannot_be_written(argument, path, error) from None
    return path


def make_folder(path, argument: str = "out") -> pathlib.Path:
    """Makes a folder and those above it, where they are missing.

    Args:
        path: of the folder.
        argument: what the user gave the path as.

    Returns:
        The path.

    Raises:
        InputError: it cannot be made.
    """
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{argument}: {_shown(path)} cannot be a folder "
            f"({_reason(error)}); give another path"
        ) from None
    return path


@contextlib.contextmanager
def written_beside(path, argument: str = "out") -> Iterator[pathlib.Path]:
    """Gives a path beside `path`, and renames it once it is written.

    A file that was there stays as it is if writing fails. The path given has
    the suffix of `path`, which tells Keras and matplotlib the format.

    Args:
        path: of the file to write; replaced where it exists.
        argument: what the user gave the path as.

    Raises:
        InputError: the file cannot be written.
    """
    path = pathlib.Path(path)
    # The process id keeps two that write the same file apart.
    name = f".{path.stem[:_KEPT]}.{os.getpid()}.tmp{path.suffix}"
    beside = path.with_name(name)
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise cannot_be_written(argument, path, error) from None
    finally:
        # It is gone where it was renamed.
        with contextlib.suppress(OSError):
            beside.unlink()


def _attempt(path, argument):
    if path.is_dir():
        raise InputError(f"{argument}: {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(
            f"{argument}: {path.parent} is not a folder; make it first"
        )
    with contextlib.suppress(FileNotFoundError):
        # Raises where the name itself cannot be, such as one too long.
        path.stat()
    # Permissions do not tell: root has them all, yet not in /proc.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="."):
        pass


def cannot_be_written(
    argument: str, path, error: Exception, remedy: str = "give another path"
) -> InputError:
    """What to raise where a file or folder cannot be written: one line.

    Args:
        argument: what the user gave the path as.
        path: of the file or folder.
        error: of the attempt to write it.
        remedy: what the user can do.
    """
    return InputError(
        f"{argument}: {_shown(path)} cannot be written ({_reason(error)}); "
        f"{remedy}"
    )


def _reason(error):
    # h5py's errors have several lines, and some have none.
    return first_line(getattr(error, "strerror", None) or error)


def _shown(path):
    # `repr` where a name holds what would break the line.
    return path if str(path).isprintable() else repr(str(path))
