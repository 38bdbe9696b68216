"""Work in a process of its own: a generator there, questions and answers here.

A crash in a library's native code ends the child only, TensorFlow takes its
number of threads once a process, and peak memory is a process's.
"""

import importlib
import json
import os
import pathlib
import subprocess
import sys

import nasnet_tf
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.terminal.plugins import import_plugins

# `__init__` of both packages imports TensorFlow, which costs seconds and hides
# how much memory a file needs: the child gets the packages without it.
_START = """
import sys, types
for name in sys.argv[2].split():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{sys.argv[1]}/{name}"]
from export.runtime import child_process
child_process.serve(sys.argv[3], sys.argv[4])
"""


class ChildError(RuntimeError):
    """The process ended, or failed in a way that is no bad input."""


class ChildProcess:
    """Runs a generator function of this package in a process of its own.

    To use in a `with`, which ends the process.

    Args:
        function: a generator function at the top of its module. Its arguments
            and what it yields are values that JSON has.
        light: whether it does without TensorFlow.
        backend: of Keras there; None: as here.
        arguments: of the function, by name.
    """

    def __init__(
        self,
        function,
        light: bool = True,
        backend: str | None = None,
        **arguments,
    ):
        # A child's packages have a path, but no file.
        root = pathlib.Path(nasnet_tf.__path__[0]).resolve().parent
        search = [str(root), *filter(None, sys.path)]
        self._process = process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _START,
                str(root),
                "export nasnet_tf" if light else "",
                f"{function.__module__}:{function.__name__}",
                json.dumps(arguments),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(search),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                # What is timed is the processor.
                "CUDA_VISIBLE_DEVICES": "-1",
                **({"KERAS_BACKEND": backend} if backend else {}),
            },
        )
        # Both are pipes.
        assert process.stdin is not None and process.stdout is not None
        self._questions, self._answers = process.stdin, process.stdout

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.kill()
        self._process.communicate()

    def receive(self):
        """What the generator yields first, or next after a question.

        Raises:
            InputError: the generator raised it.
            ChildError: it raised another error, or the process ended.
        """
        line = self._answers.readline()
        if not line:
            code = self._process.wait()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ChildError(f"its process ended with {how}")
        kind, value = json.loads(line)
        if kind == "yielded":
            return value
        raise {"InputError": InputError}.get(kind, ChildError)(value)

    def ask(self, question: str):
        """Lets the generator go on; its `yield` returns the question.

        Returns and raises what `receive` does.
        """
        try:
            self._questions.write(f"{question}\n")
            self._questions.flush()
        except BrokenPipeError:
            pass  # The reason is in what can be read.
        return self.receive()


def serve(target: str, arguments: str) -> None:
    """The child's side: answers until no question comes.

    Args:
        target: "module:generator function".
        arguments: of the function, as a JSON object.
    """
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(kind, value):
        print(json.dumps([kind, value]), file=answers, flush=True)

    module, name = target.split(":")
    try:
        # A light child reads files, and no Keras model with what they bring.
        if hasattr(nasnet_tf, "__version__"):
            import_plugins()
        function = getattr(importlib.import_module(module), name)
        generator = function(**json.loads(arguments))
        value = next(generator)
        while True:
            answer("yielded", value)
            question = sys.stdin.readline().strip()
            if not question:
                return
            value = generator.send(question)
    except StopIteration:
        return
    # It is raised again on the other side.
    except Exception as error:
        answer(type(error).__name__, first_line(error))


def peak_memory() -> int | None:
    """The most memory this process had resident, in bytes.

    None where the system does not tell. `getrusage` is of no use: on Linux
    a child's begins with its parent's peak.
    """
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
