"""How every command of this package starts, and how it fails.

A command is a module with `define_flags()` and `main(arguments)`, thin over a
documented function, and

    if __name__ == "__main__":
        command_line.run(main, define_flags)

What it imports at its top is light: help and errors in flags need neither
TensorFlow nor Keras, which `main` imports.
"""

import functools
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.checks.packages import hidden_package
from nasnet_tf.terminal.command_help import HELP_FLAGS, help_text
from nasnet_tf.terminal.plugins import import_plugins


def run(
    main: Callable,
    define_flags: Callable[[], None] = lambda: None,
    argv: Sequence[str] | None = None,
    name: str | None = None,
) -> None:
    """Runs `main(positional arguments)`.

    Bad input is one line and exit code 2, a job that failed one and code 1,
    an interrupt one and code 130; `--help` prints the flags and is code 0.

    Args:
        main: of a command; what its module says of it is its help.
        define_flags: of the same; called first.
        argv: the program and its arguments; None: `sys.argv`.
        name: what the user calls the command; None: `python -m` its module.
    """
    # First, for flags list what is registered.
    try:
        import_plugins()
    except InputError as error:
        sys.exit(tell(error))
    define_flags()
    app.run(
        lambda argv: _guarded(main, argv[1:]),
        argv=argv,
        flags_parser=functools.partial(_parse_flags, main, name),
    )


def quiet(main):
    """Marks a `main` that is run without Model Garden's INFO lines.

    Those of other libraries go too; `--verbosity` brings them back.
    """
    main.is_quiet = True
    return main


def check_no_arguments(arguments: Sequence[str]) -> None:
    """For a command that takes flags only.

    Args:
        arguments: that `main` got.

    Raises:
        InputError: there are some; names the first.
    """
    if arguments:
        raise InputError(
            f"arguments: {arguments[0]!r} is no flag; --help lists the flags"
        )


def _guarded(main, arguments):
    is_quiet = getattr(main, "is_quiet", False)
    if is_quiet and not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.ERROR)
    try:
        return main(arguments)
    except (InputError, JobError, KeyboardInterrupt) as error:
        sys.exit(tell(error))
    except ImportError as error:
        if hidden := hidden_package(error):
            sys.exit(tell(hidden))
        raise


def _parse_flags(main, name, argv):
    if HELP_FLAGS & set(argv[1 : _end_of_flags(argv)]):
        print(help_text(sys.modules[main.__module__], name))
        sys.exit(0)
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        sys.exit(tell(InputError(f"{error}; --help lists the flags")))


def _end_of_flags(argv):
    return argv.index("--") if "--" in argv else len(argv)


def tell(error: BaseException) -> int:
    """Prints what ends a command, in one line.

    Args:
        error: an `InputError`, a `JobError` or an interrupt.

    Returns:
        The exit code.
    """
    interrupted = isinstance(error, KeyboardInterrupt)
    # What was logged before stands before it.
    logging.flush()
    print(f"error: {'interrupted' if interrupted else error}", file=sys.stderr)
    if interrupted:
        return 130
    return 1 if isinstance(error, JobError) else 2
