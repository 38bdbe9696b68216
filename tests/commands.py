"""Commands run in this process, as a shell would in one of its own.

An interpreter with TensorFlow takes seconds to start; each command keeps one
test in a process of its own.
"""

import contextlib
import importlib
import io
import subprocess

from absl import flags, logging

from nasnet_tf.terminal import command_line

# At the head of a program for `python -c`: `import nasnet_tf` is then as light
# as in a command, without TensorFlow's three seconds.
LIGHT = 'import sys; sys.argv[0] = "nasnet"\n'


def run_command(module, *arguments) -> subprocess.CompletedProcess:
    """Runs `python -m MODULE ARGUMENTS`.

    Args:
        module: such as `"nasnet_tf.draw"`.
        *arguments: any objects; as text.

    Returns:
        Exit code, and what was printed to stdout and stderr by Python.
    """
    argv = [module, *map(str, arguments)]
    command = importlib.import_module(module)
    out, err = io.StringIO(), io.StringIO()
    with (
        _own_flags(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command_line.run(command.main, command.define_flags, argv)
            code = 0
        except SystemExit as exit:
            code = exit.code or 0
    return subprocess.CompletedProcess(
        argv, code, out.getvalue(), err.getvalue()
    )


@contextlib.contextmanager
def _own_flags():
    before, verbosity = set(flags.FLAGS), logging.get_verbosity()
    try:
        yield
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()
        logging.set_verbosity(verbosity)
