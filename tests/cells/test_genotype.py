import dataclasses
import json

import pytest

from nasnet_tf import NASNET_A, NASNET_B, NASNET_C, Block, Cell, Genotype
from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError

PUBLISHED = [NASNET_A, NASNET_B, NASNET_C]


@pytest.mark.parametrize("genotype", PUBLISHED, ids=lambda g: g.name)
def test_json_round_trip(genotype, tmp_path):
    path = tmp_path / "genotype.json"
    genotype.save(path)
    assert Genotype.load(path) == genotype
    assert get_genotype(str(path)) == genotype
    assert Genotype.from_dict(genotype.to_dict()) == genotype
    assert list(tmp_path.iterdir()) == [path]


def test_published_shapes():
    assert [len(g.normal.blocks) for g in PUBLISHED] == [5, 4, 4]
    assert [g.filters_divisor for g in PUBLISHED] == [24, 24, 20]
    assert NASNET_A.normal.output_widths == (6,)
    assert NASNET_A.reduction.output_widths == (4,)
    assert NASNET_B.normal.output_widths == (1, 1, 1, 1)
    assert NASNET_C.normal.output_widths == (5,)
    assert NASNET_C.reduction.output_widths == (5,)


def test_default_divisor_is_the_width_of_the_third_group():
    for genotype in (NASNET_A, NASNET_C):
        searched = dataclasses.replace(genotype, filters_divisor=None)
        assert searched.filters_divisor == genotype.filters_divisor


def test_unused_blocks_are_concatenated():
    blocks = (
        Block(("identity", 0), ("identity", 1)),
        Block(("identity", 2), ("conv_1x1", 0)),
        Block(("identity", 0), ("conv_1x1", 0), "concat"),
    )
    cell = Cell.with_unused_concatenated(blocks)
    assert cell.outputs == ((3, 4),)
    assert cell.output_widths == (3,)


def test_filters_names_the_nearest():
    assert NASNET_A.filters(1056, multiple=4) == 44
    with pytest.raises(InputError, match=r"1538 .* of 96, .* nearest is 1536"):
        NASNET_A.filters(1538, multiple=4)


def _broken(change):
    data = NASNET_A.to_dict()
    change(data)
    return json.dumps(data)


BAD = {
    "operation": (
        lambda d: d["normal"]["blocks"][2].update(left=["avg_pol_3x3", 0]),
        "normal cell, block 2, left, operation: 'avg_pol_3x3' is unknown; "
        "did you mean 'avg_pool_3x3'?",
    ),
    "later block": (
        lambda d: d["reduction"]["blocks"][1].update(right=["identity", 5]),
        "reduction cell, block 1, right: hidden state 5 is not ready yet; "
        "the block can read 0..2",
    ),
    "combiner": (
        lambda d: d["normal"]["blocks"][0].update(combiner="multiply"),
        "normal cell, block 0, combiner: 'multiply' is unknown",
    ),
    "output": (
        lambda d: d["normal"].update(outputs=[[2, 9]]),
        "normal cell, output 0: hidden state 9 does not exist; the cell has "
        "0..6",
    ),
    "missing field": (
        lambda d: d["normal"]["blocks"][3].pop("left"),
        "normal cell, block 3: the field 'left' is missing",
    ),
    "unknown field": (
        lambda d: d.update(wirring="next_cell"),
        "genotype, field: 'wirring' is unknown; did you mean 'wiring'?",
    ),
    "not a pair": (
        lambda d: d["normal"]["blocks"][0].update(left="identity"),
        "normal cell, block 0, left: 'identity' is not a pair",
    ),
    "wiring": (
        lambda d: d.update(wiring="next_cell"),
        "wiring 'next_cell': a cell has 1 outputs for 2 inputs",
    ),
    "flag": (
        lambda d: d.update(bottleneck="no"),
        "bottleneck: 'no' is neither True nor False",
    ),
    "divisor": (
        lambda d: d.update(filters_divisor=True),
        "filters_divisor: True is not a positive integer",
    ),
    "empty cell": (
        lambda d: d["normal"].update(blocks=[]),
        "normal cell, blocks: a cell needs at least one block",
    ),
    "outputs differ": (
        lambda d: d["reduction"].update(outputs=[[3], [4]]),
        "outputs: the normal cell has 1, the reduction cell 2",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_names_block_and_value(name, tmp_path):
    change, message = BAD[name]
    path = tmp_path / "bad.json"
    path.write_text(_broken(change))
    with pytest.raises(InputError) as error:
        Genotype.load(path)
    assert message in str(error.value)
    assert "bad.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_save_where_it_cannot(tmp_path):
    for path in (tmp_path, tmp_path / "none" / "x.json"):
        with pytest.raises(InputError, match="cannot be written"):
            NASNET_A.save(path)
    assert not list(tmp_path.parent.glob(tmp_path.name + ".tmp"))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[1]", "{", '{"name": 3}'])
def test_not_a_genotype(text, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.json"):
        Genotype.load(path)


def test_missing_file_and_unknown_name():
    with pytest.raises(InputError, match=r"none\.json: No such file"):
        get_genotype("none.json")
    with pytest.raises(InputError, match="neither one of NASNET_A"):
        get_genotype("NASNET_Z")
