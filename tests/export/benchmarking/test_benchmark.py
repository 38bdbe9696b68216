import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from export.benchmarking import report
from export.benchmarking.benchmark import benchmark
from export.runtime.profile import (
    ProfileUnavailable,
    delegation,
    parse_profile,
    profile,
)
from export.runtime.runners import open_runner
from export.runtime.timing import LEAST_RUNS, time_in_turn
from nasnet_tf.checks.errors import InputError
from tests.commands import run_command
from tests.conftest import slow
from tests.export.exported_files import (
    SHAPE,
    litert_file,
    onnx_file,
    saved_model,
    small_network,
)

PROFILE = """
========================= Top by Computation Time =========================
    [node type]  [start]  [first]  [avg ms]      [%]    [cdf%]  ...
      Delegate/Add (ND)  0.000  0.112  0.166  90.110%  90.110%  0.000  40  [D]:1

========================= Summary by node type =========================
                           [Node type]    [count]   [avg ms]    [avg %]  ...
        Delegate/Convolution (NHWC, F32) IGEMM   13   0.579   75.000%   75.000%\
      0.000            340
Delegate/Average Pooling (NHWC, F32) Average Pooling 3 0.012 20.125% 95.125%\
 0.000 80
          CONCATENATION         12      0.019     4.875%   100.000%      0.000\
            240

========================= Delegate Statistics =========================
Timings (microseconds): count=215 curr=492000
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A whole network, one that XNNPACK cuts, and a larger one."""
    folder = tmp_path_factory.mktemp("files")
    return {
        "whole": litert_file(small_network(), folder / "whole.tflite"),
        "cut": litert_file(small_network(True), folder / "cut.tflite"),
        "large": litert_file(
            small_network(dense=400_000), folder / "large.tflite"
        ),
    }


def refusal(function, *arguments, **options):
    with pytest.raises(InputError) as error:
        function(*arguments, **options)
    line = str(error.value)
    assert "\n" not in line
    return line


def test_what_xnnpack_leaves_out(files):
    whole = delegation(open_runner(files["whole"]).interpreter)
    assert whole["partitions"] == 1 and whole["outside"] == {}
    cut = delegation(open_runner(files["cut"]).interpreter)
    assert cut["partitions"] == 2
    assert cut["outside"] == {"CONCATENATION": 1}
    # Six convolutions, the concatenation and one convolution more.
    assert cut["operations"] == whole["operations"] + 8
    assert delegation(object()) is None


def test_the_profile_of_a_file(files):
    rows = profile(files["cut"], runs=5)
    assert sum(row.share for row in rows) == pytest.approx(1, abs=1e-3)
    assert all(a.seconds >= b.seconds for a, b in itertools.pairwise(rows))
    outside = {row.name: row.count for row in rows if not row.delegated}
    assert outside == {"CONCATENATION": 1}
    # The first convolution; those of 1x1 and the classifier are products.
    counts = {row.name: row.count for row in rows}
    assert sum(n for k, n in counts.items() if "Fully Connected" in k) == 8


def test_the_text_of_a_profile():
    rows = parse_profile(PROFILE, runs=20)
    assert [(r.name, r.delegated, r.count) for r in rows] == [
        ("Convolution (NHWC, F32) IGEMM", True, 17),
        ("Average Pooling (NHWC, F32) Average Pooling", True, 4),
        ("CONCATENATION", False, 12),
    ]
    assert [r.share for r in rows] == pytest.approx([0.75, 0.20125, 0.04875])
    assert rows[0].seconds == pytest.approx(0.0246 * 0.75)
    for text in ("", PROFILE.replace("curr", "now"), PROFILE[:300]):
        with pytest.raises(ProfileUnavailable, match=r"as it was in LiteRT"):
            parse_profile(text, runs=20)


def test_no_profile_is_one_line(files, tmp_path):
    library = tmp_path / "libLiteRt.so"
    library.write_text("no library")
    with pytest.raises(ProfileUnavailable, match="is not a library"):
        profile(files["whole"], library=library)
    with pytest.raises(ProfileUnavailable, match="lacks LiteRtCreateEnv"):
        profile(files["whole"], library=np._core._multiarray_umath.__file__)
    with pytest.raises(ProfileUnavailable, match=r"none\.tflite does not"):
        profile(tmp_path / "none.tflite")


@pytest.mark.parametrize("threads", [(1,), slow((1, 2))])
def test_results(files, threads):
    paths = [files["whole"], files["cut"], files["large"]]
    results = benchmark(paths, threads=threads, batch=2, seconds=0)
    assert [(r.path, r.threads) for r in results] == [
        (str(path), count) for count in threads for path in paths
    ]
    for number, result in enumerate(results):
        assert result.runs == LEAST_RUNS
        assert result.input_shape == (2, *SHAPE)
        assert result.input_dtype == "float32"
        assert 0 < result.median <= result.p95
        first = results[number - number % 3].median
        assert result.ratio == pytest.approx(first / result.median)
        assert result.slowest and not result.profile_note
    assert {result.ratio for result in results[::3]} == {1}
    # 400,000 units of 8 inputs and 4 outputs in float32.
    weights = 400_000 * 12 * 4
    whole, cut, large = results[:3]
    assert weights < large.file_size < weights + 10_000
    assert large.median > whole.median
    assert (cut.partitions, cut.outside) == (2, {"CONCATENATION": 1})
    if whole.peak_memory is not None:
        assert 0 < whole.peak_memory < 2**24
        assert weights < large.peak_memory < 4 * weights


def test_seconds_are_what_is_timed(files):
    jobs = [(files["whole"], 1), (files["large"], 1)]
    timings = time_in_turn(jobs, seconds=0.2)
    assert len(timings[0].seconds) == len(timings[1].seconds) > LEAST_RUNS
    total = sum(sum(timing.seconds) for timing in timings)
    last = sum(timing.seconds[-1] for timing in timings)
    assert total - last < 0.4 <= total


def test_formats_side_by_side(files, tmp_path):
    network = small_network()
    network.save(tmp_path / "a.keras")
    paths = [
        onnx_file(tmp_path / "a.onnx"),
        saved_model(network, tmp_path / "a"),
        tmp_path / "a.keras",
    ]
    results = benchmark(paths, seconds=0, image_size=8)
    folder = sum(p.stat().st_size for p in paths[1].rglob("*") if p.is_file())
    assert results[1].file_size == folder > 5000
    for result in results:
        assert result.median > 0 and result.input_shape == (1, *SHAPE)
        assert result.partitions is None and result.outside is None
        assert result.slowest == () and result.profile_note == ""
    text = report.format_results(results)
    assert "onnxruntime 1." in text and "tensorflow 2." in text
    assert text.count("XNNPACK") == 1


def test_bad_input_is_one_line(files, tmp_path):
    whole = files["whole"]
    assert refusal(benchmark, []) == "models: none given; give one or more"
    line = refusal(benchmark, whole, threads=())
    assert line == "threads: none given; give one or more"
    for threads in (0, 1.5):
        line = refusal(benchmark, whole, threads=(1, threads))
        assert line == f"threads: {threads} is not a positive integer"
    assert "batch: 0 is not" in refusal(benchmark, whole, batch=0)
    assert "seconds: -1 is not" in refusal(benchmark, whole, seconds=-1)
    line = refusal(benchmark, [whole, tmp_path / "none.tflite"])
    assert line.endswith("none.tflite does not exist; give another path")
    (tmp_path / "bad.tflite").write_text("no model")
    line = refusal(benchmark, [whole, tmp_path / "bad.tflite"])
    assert "bad.tflite cannot be loaded (" in line
    line = refusal(benchmark, whole, image_size=9)
    assert line.startswith(f"image_size: 9 does not fit {whole}")


@pytest.mark.slow
def test_the_command(files, tmp_path):
    out = tmp_path / "new" / "out"
    result = command(
        f"--models={files['whole']},{files['cut']}",
        "--threads=1,2",
        "--seconds=0",
        f"--out={out}",
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    rows = [line.split() for line in result.stdout.splitlines()]
    table = [r for r in rows if r and r[0].endswith(".tflite") and len(r) == 9]
    assert [(r[0], r[1], *r[-2:]) for r in table] == [
        ("whole.tflite", "1", "1", "0"),
        ("cut.tflite", "1", "2", "1"),
        ("whole.tflite", "2", "1", "0"),
        ("cut.tflite", "2", "2", "1"),
    ]
    assert "\n  1 CONCATENATION\n" in result.stdout
    values = json.loads((out / "benchmark.json").read_text())
    assert values["processor"] in result.stdout
    assert values["packages"].keys() == {"ai-edge-litert"}
    medians = [f"{r['median'] * 1e3:.2f}" for r in values["results"]]
    assert medians == [row[2] for row in table]
    image = np.asarray(Image.open(out / "benchmark.png").convert("RGB"))
    for color in ((0x3B, 0x82, 0xF6), (0xF5, 0x9E, 0x0B)):
        # A bar is as long as its file is slow: one may be short.
        assert (image == color).all(axis=-1).sum() > 100


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--threads=a", "threads: 'a' are no integers; give 1,2 or so"),
        ("--out=whole.tflite", "out: whole.tflite cannot be a folder"),
    ],
)
def test_bad_input_of_the_command(files, argument, message, monkeypatch):
    monkeypatch.chdir(files["whole"].parent)
    result = run_command("export.benchmark", "--models=whole.tflite", argument)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"error: {message}")


def command(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "export.benchmark", *arguments],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith("TF_")},
        capture_output=True,
        text=True,
    )
