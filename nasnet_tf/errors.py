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
