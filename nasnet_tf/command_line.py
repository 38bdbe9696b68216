"""How every command of this package starts, and how it fails.

A command is a module with `main(argv)`, thin over a documented function, and
`if __name__ == "__main__": command_line.run(main)`.
"""

import sys
from collections.abc import Sequence

from absl import app, flags, logging

from nasnet_tf.errors import InputError, JobError


def run(main) -> None:
    """Runs `main(positional arguments)`.

    Bad input is one line and exit code 2, a job that failed one and code 1,
    an interrupt one and code 130.
    """
    app.run(lambda argv: _guarded(main, argv[1:]), flags_parser=_parse_flags)


def quiet(main):
    """A `main` without Model Garden's INFO lines.

    Those of other libraries go too; `--verbosity` brings them back.
    """

    def run_quietly(arguments):
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.ERROR)
        return main(arguments)

    return run_quietly


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
    try:
        return main(arguments)
    except (InputError, JobError, KeyboardInterrupt) as error:
        sys.exit(tell(error))


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        sys.exit(tell(InputError(f"{error}; --help lists the flags")))


def tell(error: BaseException) -> int:
    """Prints what ends a command, in one line.

    Args:
        error: an `InputError`, a `JobError` or an interrupt.

    Returns:
        The exit code.
    """
    interrupted = isinstance(error, KeyboardInterrupt)
    logging.flush()
    print(f"error: {'interrupted' if interrupted else error}", file=sys.stderr)
    if interrupted:
        return 130
    return 1 if isinstance(error, JobError) else 2
