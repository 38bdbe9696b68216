"""Names of images in annotations, held to the files that are there."""

import pathlib
import unicodedata

# What is unlike in a name and its file.
LETTERS, FOLDERS, BACKSLASHES = "letters", "folders", "backslashes"


def is_outside(name: str) -> bool:
    """Whether a name leads out of the folder that it is relative to.

    Names with `..` are taken for such, wherever they lead.
    """
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or pathlib.PurePosixPath(name).is_absolute()


def is_file(path: pathlib.Path) -> bool:
    """Whether there is such a file; no, where its name is too long for one."""
    try:
        return path.is_file()
    except OSError:
        return False


def image_ids(names: list[pathlib.Path]) -> list[int]:
    """Image ids: the numbers that all names are, or 1, 2, 3, ...

    Args:
        names: of files, such as `000000000139.jpg`.
    """
    stems = [path.stem for path in names]
    if all(stem.isascii() and stem.isdigit() for stem in stems):
        numbers = [int(stem) for stem in stems]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(1, len(names) + 1))


class Folder:
    """The files below a folder, which is searched once.

    Args:
        path: of the folder.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._found: dict[str, list[pathlib.PurePosixPath]] | None = None

    def nearest(self, name: str) -> tuple[str, str] | None:
        """What a name that no file has was meant to be.

        Args:
            name: as annotated.

        Returns:
            What is unlike (`LETTERS`, `FOLDERS` or `BACKSLASHES`) and a hint
            for the user, `"did you mean ...?"`; None where no file has a name
            like it.
        """
        wanted = pathlib.PurePosixPath(name.replace("\\", "/"))
        found = self._files().get(_folded(wanted.name))
        if not found:
            return None
        file = max(found, key=lambda path: _common_end(path, wanted))
        hint = f"did you mean {str(file)!r}?"
        if _folded(str(file)) != _folded(str(wanted)):
            better = self._better_folder(file, wanted)
            return FOLDERS, f"{hint} give --images={better}" if better else hint
        return (BACKSLASHES if "\\" in name else LETTERS), hint

    def _files(self):
        if self._found is None:
            self._found = {}
            for path in sorted(self._path.rglob("*")):
                if path.is_file():
                    relative = path.relative_to(self._path).as_posix()
                    self._found.setdefault(_folded(path.name), []).append(
                        pathlib.PurePosixPath(relative)
                    )
        return self._found

    def _better_folder(self, file, wanted):
        """The folder that the name is relative to, if one is."""
        ours, theirs = file.parts, wanted.parts
        if ours[-len(theirs) :] == theirs:
            return self._path.joinpath(*ours[: -len(theirs)])
        leading = theirs[: -len(ours)]
        parts = self._path.absolute().parts
        if theirs[-len(ours) :] == ours and parts[-len(leading) :] == leading:
            return self._path.absolute().parents[len(leading) - 1]
        return None


def _folded(text):
    # Apple's file systems part letters from their accents.
    return unicodedata.normalize("NFC", text).casefold()


def _common_end(path, other):
    """How many parts two paths have in common from their ends."""
    pairs = zip(reversed(path.parts), reversed(other.parts), strict=False)
    count = 0
    for one, two in pairs:
        if _folded(one) != _folded(two):
            break
        count += 1
    return count
