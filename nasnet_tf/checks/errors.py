"""What this package raises on purpose."""


class InputError(ValueError):
    """Bad input: one line that names the argument, the value and the remedy.

    Commands print the line and exit with code 2. It is a `ValueError`, so
    that code written for `keras.applications` catches it too.
    """


class JobError(RuntimeError):
    """A job that cannot go on though its input was good: one line.

    Commands print the line and exit with code 1.
    """


def first_line(error: Exception | str) -> str:
    """The first line of an error or of its text, for a message of one line.

    The class's name, where that is empty.
    """
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def listed(names, most: int = 3) -> str:
    """The first of some names, for a message of one line."""
    more = ", ..." if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
