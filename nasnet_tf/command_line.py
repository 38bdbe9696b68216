"""How every command of this package starts, and how it fails.

A command is a module with `main(argv)`, thin over a documented function, and
`if __name__ == "__main__": command_line.run(main)`.
"""

import sys

from absl import app, flags, logging

from nasnet_tf.errors import InputError


def run(main) -> None:
    """Runs `main(positional arguments)`; bad input is one line and exit 2."""
    app.run(lambda argv: _guarded(main, argv[1:]), flags_parser=_parse_flags)


def _guarded(main, arguments):
    try:
        return main(arguments)
    except InputError as error:
        _fail(error)


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{error}; --help lists the flags")


def _fail(message):
    logging.flush()
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
