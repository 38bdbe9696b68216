"""Sets of files that take an earlier set's place whole."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.lock import take_lock
from nasnet_tf.files.output_file import cannot_be_written

_NEW, _OLD = "new", "old"


@contextlib.contextmanager
def replaced_files(
    out: pathlib.Path, name: str, earlier: Iterable[pathlib.Path]
) -> Iterator[pathlib.Path]:
    """Gives a hidden folder, whose files move to `out` at the end.

    If anything is raised, an interrupt too, they go, and `out` stays as it
    was. What a killed process left of them goes when this is next used.

    Args:
        out: a folder.
        name: of the set of files; one process at a time may write it.
        earlier: files in `out` that go when the new ones come. Others of the
            same name as a new one are replaced.

    Raises:
        InputError: another process writes the same, or it cannot be written.
    """
    work = out / f".{name}.writing"
    try:
        work.mkdir(exist_ok=True)
        with _lock(work):
            try:
                _clear(work)
                (work / _NEW).mkdir()
                (work / _OLD).mkdir()
                yield work / _NEW
                _put_in_place(work, out, list(earlier))
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise cannot_be_written("out", out, error) from None


def _clear(work):
    for path in work.iterdir():
        shutil.rmtree(path)


def _put_in_place(work, out, earlier):
    new = sorted((work / _NEW).iterdir())
    replaced = {out / path.name for path in new} & set(out.iterdir())
    moves = [
        (path, work / _OLD / path.name)
        for path in sorted(replaced | set(earlier))
    ] + [(path, out / path.name) for path in new]
    done = []
    try:
        for source, target in moves:
            done.append((source, target))
            source.rename(target)
    except BaseException:
        for source, target in reversed(done):
            # The last one may not have been moved.
            with contextlib.suppress(FileNotFoundError):
                target.rename(source)
        raise


@contextlib.contextmanager
def _lock(folder):
    """Keeps other processes out until this one ends, however that is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if take_lock(descriptor) is False:
            raise InputError(
                # Without the dot before and `.writing` after it.
                f"out: another process writes {folder.name[1:-8]!r} in "
                f"{folder.parent}; wait for it, or give another folder or name"
            )
        yield
    finally:
        os.close(descriptor)
