"""Where a .tflite file's time goes, and what XNNPACK leaves out of it.

LiteRT's compiled model can tell the time of each XNNPACK kernel. Its Python
package does not, its C library does: that is called here through ctypes, in a
process of its own, for another version may crash.
"""

import collections
import ctypes
import dataclasses
import importlib.util
import pathlib
import re

import numpy as np

from export.runtime.child_process import ChildError, ChildProcess
from export.runtime.file_runners import LitertRunner
from export.runtime.runners import open_runner
from nasnet_tf.checks.errors import InputError

DELEGATE = "DELEGATE"
PREFIX = "Delegate/"
SUMMARY = "Summary by node type"
WARM_UP = 3
_ROW = re.compile(
    r"\s*(?P<name>\S.*?)\s+(?P<count>\d+)\s+(?P<ms>[\d.]+)\s+"
    r"(?P<share>[\d.]+)%\s+[\d.]+%\s+[\d.]+\s+(?P<calls>\d+)\s*"
)
_TOTAL = re.compile(r"Timings \(microseconds\):.*\bcurr=(\d+)")
# Of LiteRT's C headers.
_ELEMENTS = {"float32": 1, "uint8": 3, "int8": 9, "float16": 10}
_CPU = 1


class ProfileUnavailable(RuntimeError):  # noqa: N818
    """This LiteRT gives no profile; one line."""


@dataclasses.dataclass(frozen=True)
class OperationTime:
    """All operations of one kind in a network.

    Args:
        name: of XNNPACK's kernel, or of the LiteRT operation left outside.
        delegated: whether XNNPACK runs it.
        count: how often it runs in one run of the network.
        seconds: of all of these in one run.
        share: of the time of all operations, 0 to 1.
    """

    name: str
    delegated: bool
    count: int
    seconds: float
    share: float


def delegation(interpreter) -> dict | None:
    """What XNNPACK took over from an interpreter, exactly.

    The interpreter still lists the operations that were replaced. Those of a
    partition are what its outputs depend on, back to its inputs.

    Args:
        interpreter: an allocated `ai_edge_litert.interpreter.Interpreter`.

    Returns:
        `operations`, the number in the file; `partitions`, the number that
        XNNPACK runs as one each; `outside`, how many operations it left to
        LiteRT, by name, the most first. None where the interpreter does not
        list its operations.
    """
    try:
        # Not public: another version may lack it.
        nodes = interpreter._get_ops_details()
    except AttributeError:
        return None
    partitions = [n for n in nodes if n["op_name"] == DELEGATE]
    nodes = [n for n in nodes if n["op_name"] != DELEGATE]
    producers = {
        int(tensor): number
        for number, node in enumerate(nodes)
        for tensor in node["outputs"]
    }
    inside = set()
    for partition in partitions:
        seen = {int(tensor) for tensor in partition["inputs"]}
        waiting = [int(tensor) for tensor in partition["outputs"]]
        while waiting:
            tensor = waiting.pop()
            if tensor in seen or tensor not in producers:
                continue
            seen.add(tensor)
            inside.add(producers[tensor])
            waiting += map(int, nodes[producers[tensor]]["inputs"])
    outside = collections.Counter(
        node["op_name"]
        for number, node in enumerate(nodes)
        if number not in inside
    )
    return {
        "operations": len(nodes),
        "partitions": len(partitions),
        "outside": dict(outside.most_common()),
    }


def profile(
    path, threads: int = 1, runs: int = 20, library=None
) -> list[OperationTime]:
    """Time of each kind of operation of a .tflite file, the slowest first.

    Args:
        path: of the file, whose input and output are one each; a batch that
            it leaves open is 1.
        threads: of XNNPACK.
        runs: whose mean is taken, after three that are dropped.
        library: path of `libLiteRt.so`; None: the installed one.

    Raises:
        ProfileUnavailable: the library does not give it for this file.
    """
    if library is None:
        package = importlib.util.find_spec("ai_edge_litert")
        if package is None or not package.submodule_search_locations:
            raise ProfileUnavailable("ai-edge-litert is not installed")
        folder = package.submodule_search_locations[0]
        library = pathlib.Path(folder) / "libLiteRt.so"
    try:
        with ChildProcess(
            profile_text,
            path=str(path),
            threads=threads,
            runs=runs,
            library=str(library),
        ) as child:
            text = child.receive()
    except (ChildError, InputError) as error:
        raise ProfileUnavailable(str(error)) from None
    return parse_profile(text, runs)


def parse_profile(text: str, runs: int) -> list[OperationTime]:
    """Reads "Summary by node type" of LiteRT's profile.

    Args:
        text: of `LiteRtGetProfileSummary`.
        runs: that it sums up.

    Raises:
        ProfileUnavailable: the text has no such table.
    """
    total = _TOTAL.search(text)
    table = text.partition(SUMMARY)[2].partition("\n\n")[0]
    rows = [r for r in map(_ROW.fullmatch, table.splitlines()) if r]
    if not rows or not total:
        raise ProfileUnavailable("its text is not as it was in LiteRT 2.3")
    seconds = int(total[1]) / 1e6 / runs
    return [
        OperationTime(
            name=row["name"].removeprefix(PREFIX),
            delegated=row["name"].startswith(PREFIX),
            count=int(row["calls"]) // runs,
            # The table's milliseconds have too few digits.
            seconds=float(row["share"]) / 100 * seconds,
            share=float(row["share"]) / 100,
        )
        for row in rows
    ]


def profile_text(path, threads, runs, library):
    """The child's side of `profile`; yields the text of LiteRT's profile."""
    runner = open_runner(path, threads)
    if not isinstance(runner, LitertRunner):
        raise InputError(f"{path} is no .tflite file")
    tensors = [
        runner.interpreter.get_input_details()[0],
        runner.interpreter.get_output_details()[0],
    ]
    yield _LiteRt(library).profile(path, threads, runs, tensors)


class _Layout(ctypes.Structure):
    _fields_ = (
        ("rank", ctypes.c_uint32),
        ("dimensions", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    )


class _TensorType(ctypes.Structure):
    _fields_ = (("element", ctypes.c_int), ("layout", _Layout))


class _LiteRt:
    """The C functions of LiteRT 2.3; nothing is freed, the process ends."""

    def __init__(self, path):
        try:
            self._library = ctypes.CDLL(path)
        except OSError:
            raise InputError(f"{path} is not a library") from None
        self._kept = []

    def profile(self, path, threads, runs, tensors):
        environment = self._make("CreateEnvironment", 0, None)
        model = self._make("CreateModelFromFile", environment, path.encode())
        options = self._make("CreateOptions")
        self._call("SetOptionsHardwareAccelerators", options, _CPU)
        self._add(options, "runtime_options_string", "enable_profiling = true")
        self._add(options, "xnnpack", f"num_threads = {threads}")
        compiled = self._make(
            "CreateCompiledModel", environment, model, options
        )
        profiler = self._make("CompiledModelGetProfiler", compiled)
        buffers = []
        for tensor, kind in zip(tensors, ("Input", "Output"), strict=True):
            requirements = self._make(
                f"GetCompiledModel{kind}BufferRequirements",
                compiled,
                ctypes.c_size_t(0),
                ctypes.c_size_t(0),
            )
            buffer = self._make(
                "CreateManagedTensorBufferFromRequirements",
                environment,
                ctypes.byref(self._tensor_type(tensor)),
                requirements,
            )
            # Whatever the memory held may be slow numbers.
            self._call("ClearTensorBuffer", buffer)
            one = (ctypes.c_void_p * 1)(buffer)
            buffers += [ctypes.c_size_t(1), one]
        for run in range(WARM_UP + runs):
            if run == WARM_UP:
                self._call("StartProfiler", profiler)
            self._call(
                "RunCompiledModel", compiled, ctypes.c_size_t(0), *buffers
            )
        text = ctypes.c_char_p()
        self._call("GetProfileSummary", profiler, compiled, ctypes.byref(text))
        return (text.value or b"").decode(errors="replace")

    def _call(self, name, *arguments):
        function = getattr(self._library, f"LiteRt{name}", None)
        if function is None:
            raise InputError(f"{self._library._name} lacks LiteRt{name}")
        function.restype = ctypes.c_int
        if status := function(*arguments):
            raise InputError(f"LiteRt{name} gives status {status}")

    def _make(self, name, *arguments):
        made = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(made))
        return made

    def _add(self, options, kind, text):
        # LiteRT keeps both, and calls the third to free the text.
        text = ctypes.create_string_buffer(f"{text}\n".encode())
        free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
        kind = ctypes.c_char_p(kind.encode())
        self._kept += [text, free, kind]
        made = self._make("CreateOpaqueOptions", kind, text, free)
        self._call("AddOpaqueOptions", options, made)

    def _tensor_type(self, details):
        name = np.dtype(details["dtype"]).name
        if name not in _ELEMENTS:
            raise InputError(f"a profile takes no {name} tensors")
        made = _TensorType(_ELEMENTS[name])
        made.layout.rank = len(details["shape"])
        for axis, length in enumerate(details["shape"]):
            made.layout.dimensions[axis] = int(length)
        return made
