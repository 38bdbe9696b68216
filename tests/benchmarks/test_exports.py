"""benchmarks/exports.py: what it writes and what it prints."""

import importlib.util
import pathlib
import types

import pytest

from nasnet_tf.checks.errors import InputError
from tests.conftest import slow
from tests.export.exported_files import onnx_file

PATH = pathlib.Path(__file__).parents[2] / "benchmarks" / "exports.py"


@pytest.fixture
def exports(monkeypatch):
    """The script, with files of tiny networks."""
    spec = importlib.util.spec_from_file_location("benchmark_exports", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def files(folder):
        return {
            folder / f"{name}.onnx": lambda networks, path: onnx_file(path)
            for name in ("stock", "ours")
        }

    monkeypatch.setattr(module, "FILES", {"onnx": files, "saved_model": files})
    return module


@pytest.mark.parametrize("threads", [[1], slow([1, 2])])
def test_each_result_is_printed_once(exports, tmp_path, capsys, threads):
    exports.write_missing(tmp_path, ["saved_model"])
    capsys.readouterr()
    results = exports.time_files(tmp_path, ["saved_model", "onnx"], threads, 0)
    assert [(result.batch, len(result.path)) for result in results] == [
        (batch, len(str(tmp_path / f"{name}.onnx")))
        for batch in (1, 16, *[1] * len(threads), *[16] * len(threads))
        for name in ("stock", "ours")
    ]
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [row[:3] for row in rows if row and row[0].endswith(".onnx")]
    assert rows == [
        [
            pathlib.Path(result.path).name,
            str(result.threads),
            f"{result.median * 1e3:.2f}",
        ]
        for result in results
    ]


def test_a_half_file_is_not_left_to_be_timed(exports, tmp_path, monkeypatch):
    def killed(networks, path):
        path.mkdir()
        (path / "saved_model.pb").write_text("half")
        raise KeyboardInterrupt

    paths = {tmp_path / "stock": killed}
    monkeypatch.setitem(exports.FILES, "onnx", lambda folder: paths)
    with pytest.raises(KeyboardInterrupt):
        exports.write_missing(tmp_path, ["onnx"])
    assert list(tmp_path.iterdir()) == []
    paths[tmp_path / "stock"] = lambda networks, path: path.mkdir()
    exports.write_missing(tmp_path, ["onnx"])
    assert list(tmp_path.iterdir()) == [tmp_path / "stock"]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"threads": ["a"]}, "threads: 'a' are no integers; give 1,2 or so"),
        ({"threads": ["0"]}, "threads: 0 is not a positive integer"),
        ({"seconds": -1.0}, "seconds: -1.0 is not a number in [0, inf]"),
        ({"formats": ["onx"]}, "formats: 'onx' is unknown; did you mean"),
        ({"folder": str(PATH)}, f"folder: {PATH} cannot be a folder (File"),
    ],
)
def test_bad_flags_are_one_line(exports, tmp_path, monkeypatch, values, line):
    values = {
        "folder": str(tmp_path / "files"),
        "formats": ["onnx"],
        "threads": ["1"],
        "seconds": 0.0,
        **values,
    }
    flags = types.SimpleNamespace(FLAGS=types.SimpleNamespace(**values))
    monkeypatch.setattr(exports, "flags", flags)
    with pytest.raises(InputError) as error:
        exports.main([])
    assert str(error.value).startswith(line)
    assert list(tmp_path.iterdir()) == []
