"""Benchmark tables, Figure 6's measures, and the benchmark over them."""

import importlib.util
import itertools
import json
import pathlib

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.report import measures
from nasnet_tf.search.space.table import load_table

BENCHMARK = pathlib.Path(__file__).parents[3] / "benchmarks/search_table.py"
OPERATIONS = ("conv", "none", "skip")
RIGHT = ("conv", "skip", "none")


def lines():
    """A table of three edges; a score is how many are as in `RIGHT`."""
    yield "architecture,valid,test"
    for edges in itertools.product(OPERATIONS, repeat=3):
        hits = sum(a == b for a, b in zip(edges, RIGHT, strict=True))
        text = "|{}~0|+|{}~0|{}~1|".format(*edges)
        # No two scores are equal.
        valid = 30 * hits + OPERATIONS.index(edges[0]) / 10
        valid += OPERATIONS.index(edges[1]) / 100
        valid += OPERATIONS.index(edges[2]) / 1000
        yield f"{text},{valid},{90 + hits}"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    return path


def test_networks_with_the_same_paths_have_equal_features(path):
    space = load_table(path).space
    conv, none, skip = range(3)
    # Edges 0 to 1, 0 to 2, 1 to 2: with none on one way the other is left.
    equal = [[none, conv, skip], [none, conv, conv], [skip, conv, none]]
    assert len(np.unique(space.encode(np.array(equal)), axis=0)) == 1
    features = space.encode(np.array([[conv, skip, skip]]))
    # The sequences skip and conv, skip, of two and of four.
    assert features.tolist() == [[0, 1, 0, 1, 0, 0]]
    nothing = space.encode(np.array([[none, none, conv]]))
    assert not nothing.any()


def test_a_table_is_a_space_and_its_scores(path):
    table = load_table(path)
    assert table.space.sizes == (3, 3, 3)
    assert table.space.names == ("edge_0_to_1", "edge_0_to_2", "edge_1_to_2")
    assert table.space.options[2] == OPERATIONS
    assert set(table.space.kinds) == {"operation"}
    assert table.text([0, 2, 1]) == "|conv~0|+|skip~0|none~1|"
    scores = table.score("valid", [[0, 2, 1], [1, 0, 0]])
    assert scores == pytest.approx([90 + 0.02 + 0.001, 0.1])
    assert table.score("test", (0, 2, 1)) == 93
    for text, valid, _ in (line.split(",") for line in list(lines())[1:]):
        place = np.argwhere(table.texts == text)[0]
        assert table.score("valid", place) == pytest.approx(float(valid))


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("search_table", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("architecture,", "cell,", "does not begin with a line of column"),
        ("|conv~0|+|conv~0|none~1|", "conv", "line 3: .* is no text like"),
        ("|none~0|+|none~0|none~1|", "|none~0|", "line 15: its edges are not"),
        ("none~1|,60.001,92", "none~1|,60.001", "line 3: .* are not 2 numbers"),
        ("none~1|,60.001,92", "none~1|,x,92", "line 3: .* are not 2 numbers"),
        ("|skip~0|+|skip~0|skip~1|", "|skip~0|+|skip~0|none~1|", "1 archit"),
    ],
)
def test_tables_that_cannot_be_used(path, old, new, line):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=line) as caught:
        load_table(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_no_tables(path):
    with pytest.raises(InputError, match="No such file"):
        load_table(path.with_name("absent.csv"))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a CSV file"):
        load_table(path)
    path.write_text("architecture,valid\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no architecture"):
        load_table(path)


def test_a_column_or_decisions_that_are_not_there(path):
    table = load_table(path)
    with pytest.raises(InputError, match=r"'tests' is unknown; did .*'test'"):
        table.score("tests", [0, 0, 0])
    with pytest.raises(InputError, match="edge_1_to_2 is 3"):
        table.score("test", [0, 0, 3])


def test_curves_count_an_architecture_once():
    curves = measures.curves("abacd", [3, 5, 3, 1, 9], counts=(1, 2, 3))
    assert curves[1].tolist() == [3, 5, 5, 5, 9]
    assert curves[2].tolist() == [3, 4, 4, 4, 7]
    assert curves[3] == pytest.approx(np.array([3, 4, 4, 3, 17 / 3]))


def test_curves_of_other_scores_are_of_the_same_architectures():
    others = [10, 20, 10, 30, 0]
    curves = measures.curves("abacd", [3, 5, 3, 1, 9], others, (1, 2))
    assert curves[1].tolist() == [10, 20, 20, 20, 0]
    assert curves[2].tolist() == [10, 15, 15, 15, 10]


def test_the_benchmark_writes_what_it_measures(benchmark, path, tmp_path):
    names = ("random", "evolution_small", "rl")
    out = tmp_path / "results"
    rows = benchmark.compare(
        path, out, names, range(3), samples=120, round_size=10
    )
    data = json.loads((out / "search_table.json").read_text(encoding="utf-8"))
    assert data["rows"] == rows
    # Two columns, three measures, two budgets, three strategies.
    assert len(rows) == 36
    assert data["settings"]["rl"] == benchmark.settings("rl")
    assert data["settings"]["rl"]["learning_rate"] == 0.005
    assert data["optimum"] == {"valid": 90.021, "test": 93.0}
    best = {
        (row["strategy"], row["samples"]): row["mean"]
        for row in rows
        if row["measure"] == "best" and row["column"] == "valid"
    }
    # Of 27 architectures 120 samples find the best, and so do 100.
    assert best["rl", 120] == best["random", 100] == pytest.approx(90.021)
    page = (out / "search_table.md").read_text(encoding="utf-8")
    assert page.count("| mean of top 25 | 120 |") == 2
    svg = (out / "search_table.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg") and "rl, mean of top 25" in svg


def test_a_strategy_that_the_benchmark_lacks(benchmark, path, tmp_path):
    with pytest.raises(InputError, match="strategies: 'genetic' is unknown"):
        benchmark.compare(path, tmp_path, ("random", "genetic"))
    with pytest.raises(InputError, match="seeds: 1 is not an integer >= 2"):
        benchmark.compare(path, tmp_path, ("random",), range(1))
