"""A folder that is written whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.files.lock import take_lock
from nasnet_tf.files.output_file import cannot_be_written

_SUFFIX = ".export.tmp"
# Of the folder's name, in that of the one beside it: a long name has room.
_KEPT = 40
_NEW, _OLD = "new", "old"
_REMEDY = "make room, or give another path"


def check_folder(out, names: Iterable[str], overwrite: bool) -> pathlib.Path:
    """Tells before long work whether a folder can be written.

    Folders above it that are missing are made when it is written. An empty
    folder counts as none. What a killed process left beside it goes, and what
    that had taken away to replace it is put back.

    Args:
        out: the folder.
        names: all that it may hold where it is to be replaced, so that no
            folder is replaced that is another's.
        overwrite: whether it may be replaced.

    Returns:
        The absolute path.

    Raises:
        InputError: it exists and is not to be replaced, or it cannot be made.
    """
    if not str(out or ""):
        raise InputError("out: missing; give a folder, such as --out=exported")
    path = pathlib.Path(out)
    try:
        path = path.expanduser()
        if not path.is_symlink():
            path = path.resolve()
            _remove_abandoned(path)
        _check_place(path, set(names), overwrite)
        with tempfile.TemporaryDirectory(dir=_home(path), prefix="."):
            pass
    except InputError:
        raise
    # `expanduser` raises a RuntimeError.
    except (OSError, ValueError, RuntimeError) as error:
        raise cannot_be_written("out", path, error, _REMEDY) from None
    return path


def _check_place(path, names, overwrite):
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(
            f"out: {path} is a file or a link; give a folder that is to be made"
        )
    if not path.is_dir():
        return
    held = sorted(entry.name for entry in path.iterdir())
    if others := [name for name in held if name not in names]:
        raise InputError(
            f"out: {path} holds {others[0]!r}, which no export wrote; give a "
            "folder of its own"
        )
    if held and not overwrite:
        raise InputError(
            f"out: {path} exists; give another folder, or replace it with "
            "--overwrite"
        )


def _home(path):
    """The nearest folder above that exists; of the root, itself."""
    return next((p for p in path.parents if p.exists()), path)


@contextlib.contextmanager
def written_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives an empty folder, and puts it in the place of `path` at the end.

    The folder is beside `path`, or where its missing parents are to be made.
    If anything is raised, an interrupt too, it goes, and what was at `path`
    stays.

    Args:
        path: of `check_folder`.

    Raises:
        InputError: it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(path):
            work = _make_beside(path, stack)
            # Before the lock goes.
            stack.callback(_clear, work, path)
            (work / _NEW).mkdir()
        yield work / _NEW
        with writing(path):
            _put_in_place(work, path)


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Raises `InputError` for what the system says of files and memory.

    That is any `OSError`, and of TensorFlow's errors those that name a file of
    `written_folder` or say that room is short.

    Args:
        path: the folder that the user gave.
    """
    try:
        yield
    except OSError as error:
        raise cannot_be_written("out", path, error, _REMEDY) from None
    except Exception as error:
        # TensorFlow writes files itself; importing it here only to name its
        # errors would be slow.
        if "tensorflow" not in type(error).__module__ or not (
            type(error).__name__ == "ResourceExhaustedError"
            or _SUFFIX in str(error)
        ):
            raise
        # It puts the file before the reason.
        reason = OSError(first_line(error).rpartition("; ")[2])
        raise cannot_be_written("out", path, reason, _REMEDY) from None


def _make_beside(path, stack):
    """A new folder, locked until the stack ends."""
    while True:
        made = tempfile.mkdtemp(_SUFFIX, _prefix(path), _home(path))
        work = pathlib.Path(made)
        # Until it is locked, another process takes it for abandoned.
        with contextlib.suppress(FileNotFoundError):
            alone = stack.enter_context(_lock(work))
            if alone is not False and work.exists():
                return work


def _prefix(path):
    # The sum keeps apart names of which one begins with the other.
    return f".{path.name[:_KEPT]}.{zlib.crc32(os.fsencode(path.name)):08x}."


def _put_in_place(work, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        (work / _NEW).rename(path)
        return
    # If the second fails or is interrupted, `_clear` puts back the old.
    path.rename(work / _OLD)
    (work / _NEW).rename(path)


def _clear(work, path):
    """Removes a folder of this module's; puts back first what it took."""
    if (work / _OLD).is_dir() and not path.exists():
        with writing(path):
            (work / _OLD).rename(path)
    shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def _lock(folder):
    """Marks a folder as in use until the process ends, however that is.

    Gives whether nobody else uses it; None where the system has no locks.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield take_lock(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(path):
    """Removes what killed processes left, and puts back what they took."""
    for work in _home(path).iterdir():
        name = work.name
        if not (name.startswith(_prefix(path)) and name.endswith(_SUFFIX)):
            continue
        # Another process may remove it meanwhile.
        with contextlib.suppress(FileNotFoundError), _lock(work) as alone:
            if alone:
                _clear(work, path)
