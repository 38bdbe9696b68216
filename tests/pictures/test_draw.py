import collections
import itertools
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from nasnet_tf import NASNET_A, NASNET_B, NASNET_C, Block, Cell, Genotype
from nasnet_tf.cells.genotype import COMBINERS
from nasnet_tf.cells.operations import OPERATIONS, operation_form
from nasnet_tf.checks.errors import InputError
from nasnet_tf.pictures.cell_drawing import draw_genotype
from nasnet_tf.pictures.cell_graph import CellGraph
from nasnet_tf.pictures.cell_layout import BOX_HEIGHT, combiner_label, lay_out


def _random_cell(choose, blocks, inputs):
    def branch(number):
        return (choose.choice(OPERATIONS), choose.randrange(inputs + number))

    return Cell.with_unused_concatenated(
        [Block(branch(n), branch(n), choose.choice(COMBINERS))
         for n in range(blocks)],
        inputs,
    )  # fmt: skip


def _random_genotype(seed, blocks=10, inputs=4):
    choose = random.Random(seed)
    cells = [_random_cell(choose, blocks, inputs) for _ in range(2)]
    return Genotype("random", *cells)


GENOTYPES = [NASNET_A, NASNET_B, NASNET_C, *map(_random_genotype, range(4))]
CELLS = [cell for g in GENOTYPES for cell in (g.normal, g.reduction)]


def _edges(cell):
    """Two combining and two reading edges a block, one a part of an output."""
    return 4 * len(cell.blocks) + sum(map(len, cell.outputs))


def test_every_operation_has_a_label():
    labels = {operation_form(name).label for name in OPERATIONS}
    labels |= set(map(combiner_label, COMBINERS))
    assert len(labels) == len(OPERATIONS) + len(COMBINERS)


@pytest.mark.parametrize("genotype", GENOTYPES)
def test_svg_has_every_label_and_edge(genotype, tmp_path):
    path = draw_genotype(genotype, tmp_path / "cells.svg", title="a title")
    svg = path.read_text()
    words = collections.Counter(re.findall(r"<text[^>]*>([^<]+)</text>", svg))
    blocks = [*genotype.normal.blocks, *genotype.reduction.blocks]
    expected = collections.Counter(
        operation_form(operation).label
        for b in blocks
        for operation, _ in b.branches
    )
    expected.update(combiner_label(block.combiner) for block in blocks)
    for cell in (genotype.normal, genotype.reduction):
        if len(cell.outputs) == 1:
            expected["concat" if len(cell.outputs[0]) > 1 else "output"] += 1
    expected["stride 2"] = sum(
        state < genotype.num_inputs
        for block in genotype.reduction.blocks
        for _, state in block.branches
    )
    expected["a title"] = 1
    for label, count in expected.items():
        assert words[label] == count, label
    for kind in ("normal", "reduction"):
        cell = getattr(genotype, kind)
        assert svg.count(f'id="{kind}_edge_') == _edges(cell)
        boxes = 3 * len(cell.blocks) + cell.num_inputs + len(cell.outputs)
        assert svg.count(f'id="{kind}_box_') == boxes


@pytest.mark.parametrize("cell", CELLS)
def test_boxes_do_not_overlap_and_edges_pass_beside_them(cell):
    layout = lay_out(cell)
    sides = {
        box.name: (box.x - box.width / 2, box.x + box.width / 2)
        for box in layout.boxes
    }
    for a, b in itertools.combinations(layout.boxes, 2):
        apart_x = max(sides[a.name][0], sides[b.name][0]) > min(
            sides[a.name][1], sides[b.name][1]
        )
        assert apart_x or abs(a.y - b.y) > BOX_HEIGHT, (a.name, b.name)
    for box in layout.boxes:
        left, right = sides[box.name]
        assert left > -1e-9 and right < layout.width + 1e-9
        assert box.bottom > -1e-9 and box.top < layout.height + 1e-9
    for edge in layout.edges:
        for (x0, low), (x1, high) in itertools.pairwise(edge.points):
            assert low < high
            for box in layout.boxes:
                left, right = sides[box.name]
                # An edge meets boxes at its ends only: between layers it is
                # free to bend, beside the boxes of a layer it is straight.
                if box.bottom < high - 1e-9 and box.top > low + 1e-9:
                    assert x0 == x1 and not left < x0 < right


@pytest.mark.parametrize("cell", CELLS)
def test_a_block_stands_above_what_it_reads(cell):
    boxes = {box.name: box for box in lay_out(cell).boxes}
    for number, block in enumerate(cell.blocks):
        for side, (_, state) in zip(
            ("left", "right"), block.branches, strict=True
        ):
            read = state - cell.num_inputs
            name = f"input_{state}" if read < 0 else f"block_{read}"
            operation = boxes[f"block_{number}_{side}"]
            assert boxes[name].top < operation.bottom
            assert operation.top < boxes[f"block_{number}"].bottom
    outputs = [boxes[f"output_{n}"] for n in range(len(cell.outputs))]
    assert min(o.y for o in outputs) > max(
        box.y for box in boxes.values() if box.kind != "output"
    )


def test_ordering_lowers_crossings():
    # With the blocks in their own order 15 pairs of edges cross.
    graph = CellGraph(NASNET_A.normal)
    assert sum(map(graph.crossings, range(len(graph.rows) - 1))) == 1


def test_same_genotype_gives_same_svg_whatever_form_it_has(tmp_path):
    NASNET_A.save(tmp_path / "a.json")
    texts = {
        draw_genotype(genotype, tmp_path / f"{n}.svg").read_text()
        for n, genotype in enumerate(
            [NASNET_A, "NASNET_A", NASNET_A.to_dict(), tmp_path / "a.json"]
        )
    }
    assert len(texts) == 1


def test_png_is_overwritten_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "cells.png"
    path.write_text("old")
    assert draw_genotype("NASNET_B", path) == path
    with Image.open(path) as image:
        assert image.width > 2000 and image.height > 800
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 20)}
    assert {(255, 240, 179), (197, 229, 180)} <= colors
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_title_is_drawn_as_it_is(kind, tmp_path, capsys, recwarn, caplog):
    title = r"价 $x_1$ <&> $\oops$ 100% $"
    genotype = Genotype(title, NASNET_C.normal, NASNET_C.reduction)
    path = draw_genotype(genotype, tmp_path / f"cells.{kind}")
    assert capsys.readouterr() == ("", "")
    assert not recwarn.list and not caplog.records
    if kind == "svg":
        texts = [
            "".join(node.itertext())
            for node in ElementTree.parse(path).iter()
            if node.tag.endswith("}text")
        ]
        assert texts.count(title) == 1
        # Labels keep their formulas.
        assert not any("$h_" in text for text in texts)


def test_control_characters_in_a_title_are_refused(tmp_path):
    for letter in ("\x00", "\x1b", "\ud800"):
        with pytest.raises(InputError, match=r"^title: .* holds control") as e:
            draw_genotype("NASNET_C", tmp_path / "a.svg", title=f"a{letter}")
        assert "\n" not in str(e.value)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^out: .*cells.pdf does not end in"):
        draw_genotype("NASNET_A", tmp_path / "cells.pdf")
    with pytest.raises(InputError, match=r"^out: .*missing is not a folder"):
        draw_genotype("NASNET_A", tmp_path / "missing" / "cells.svg")
    with pytest.raises(InputError, match=r"^genotype: 'NASNET_D' is neither"):
        draw_genotype("NASNET_D", tmp_path / "cells.svg")
    assert list(tmp_path.iterdir()) == []


def test_command(tmp_path):
    out = tmp_path / "cells.svg"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "nasnet_tf.draw", "NASNET_C"),
            *(f"--out={out}", "--title=third"),
        ],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout) == (0, f"wrote {out}\n"), run.stderr
    expected = draw_genotype(NASNET_C, tmp_path / "same.svg", title="third")
    assert out.read_text() == expected.read_text()
