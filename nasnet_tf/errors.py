"""The one exception that this package raises for what a user can mend."""


class InputError(ValueError):
    """Bad input: one line that names the argument, the value and the remedy.

    Commands print the line and exit with code 2. It is a `ValueError`, so
    that code written for `keras.applications` catches it too.
    """
