"""The console script `nasnet`, and `python -m nasnet_tf`.

nasnet
nasnet train --config_file=digits --model_dir=runs/digits
nasnet train --help
"""

import importlib
import sys

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.commands import COMMANDS, overview
from nasnet_tf.terminal.versions import versions


def main() -> None:
    """Runs the command that the first argument names."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-help", "-h", "help"):
        print(overview())
    elif name == "--version":
        print(versions())
    else:
        _run(name, arguments)


def _run(name, arguments):
    try:
        check_choice("command", name, COMMANDS)
    except InputError as error:
        sys.exit(command_line.tell(error))
    module = importlib.import_module(COMMANDS[name].module)
    # What a job says of itself, and workers that it starts, follow sys.argv.
    sys.argv[:] = [f"nasnet {name}", *arguments]
    command_line.run(module.main, module.define_flags, name=f"nasnet {name}")


if __name__ == "__main__":
    main()
