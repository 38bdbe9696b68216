"""Which files below a folder are images: all commands take the same ones."""

import os
import pathlib
from collections.abc import Iterable

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jfif",
    ".png",
    ".bmp",
    ".webp",
    ".gif",
    ".tif",
    ".tiff",
)
# Beside the dotted names: what macOS packs into archives along with files.
_HIDDEN = ("__MACOSX",)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is left out everywhere."""
    return name.startswith(".") or name in _HIDDEN


def image_files(folder, skip: Iterable = ()) -> list[pathlib.Path]:
    """The image files in a folder and in those below it, in order.

    They are told by their suffix, and not opened. Hidden ones and those in
    hidden folders are left out; folders that are links are not entered.

    Args:
        folder: to search; its own name may be hidden.
        skip: files, and folders that are not searched.

    Returns:
        Paths that begin with `folder`; their order is no file
        system's.
    """
    skipped = {pathlib.Path(entry).resolve() for entry in skip}
    found: list[str] = []
    folders = [str(folder)]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            # Such as the lost+found of a disk, which is root's.
            continue
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if skipped and pathlib.Path(entry.path).resolve() in skipped:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                found.append(entry.path)
    return sorted(map(pathlib.Path, found))
