"""Pictures of cells, in the manner of the paper's Figure 4."""

import itertools
import pathlib
import unicodedata
import warnings

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import check_output, written_beside
from nasnet_tf.pictures.cell_layout import BOX_HEIGHT, lay_out

SUFFIXES = (".svg", ".png")
FILLS = {
    "input": "#e6e6e6",
    "operation": "#fff0b3",
    "combiner": "#c5e5b4",
    "output": "#d0d0d0",
}
BORDER = "#555555"
# One colour for each hidden state, all dark enough on white; blocks go on
# where the inputs end, and begin again after the last.
COLORS = (
    "#1f4e9c",
    "#c2410c",
    "#15803d",
    "#7e22ce",
    "#0e7490",
    "#a16207",
    "#be185d",
    "#374151",
    "#dc2626",
    "#0284c7",
    "#65a30d",
    "#a855f7",
    "#6b3f1d",
    "#0d9488",
)
OUTPUT_COLOR = "#8f8f8f"
MARGIN = 0.25
CELL_GAP = 0.9
HEADING = 0.5
DPI = 150


def draw_genotype(genotype, path, title: str | None = None) -> pathlib.Path:
    """Draws both cells of a genotype, the normal one left.

    As in Figures 4, 7 and 8 of the paper: the inputs at the bottom, each block
    as two operations and what combines them, the outputs at the top; a block
    stands above those that it reads. An edge has the colour of the hidden
    state it carries; edges to the outputs are grey and dashed. The text of an
    SVG is text.

    Args:
        genotype: a `Genotype`, or what `nasnet_tf.get_genotype` takes: a
            name, a `.json` file, a dict.
        path: an `.svg` or `.png` file; overwritten.
        title: over the picture, as it is; the genotype's name by default. A
            PNG shows a box for a letter that DejaVu Sans lacks, such as
            Chinese ones; an SVG leaves the font to what shows it.

    Returns:
        The path.

    Raises:
        InputError: no such genotype, control characters in the title, or the
            picture cannot be written there.
    """
    genotype = get_genotype(genotype)
    path = check_output(path, SUFFIXES)
    title = genotype.name if title is None else title
    _check_title(title)
    # A fixed salt and no date: the same genotype gives the same file.
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "nasnet",
        "font.family": ["DejaVu Sans", "sans-serif"],
    }
    with matplotlib.rc_context(style):
        figure = _figure(genotype, title)
        _save(figure, path)
    return path


def _check_title(title):
    # An SVG with one of them is no XML.
    if any(
        unicodedata.category(letter) in ("Cc", "Cs")
        for letter in title
        if letter != "\n"
    ):
        raise InputError(
            f"title: {title!r} holds control characters; leave them out"
        )


def _save(figure, path):
    kind = path.suffix.lower()[1:]
    options = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": DPI}
    with written_beside(path) as beside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(beside, format=kind, **options)


def _figure(genotype, title):
    layouts = {
        "normal": lay_out(genotype.normal),
        "reduction": lay_out(genotype.reduction, stride=2),
    }
    width = sum(layout.width for layout in layouts.values())
    width += CELL_GAP + 2 * MARGIN
    height = max(layout.height for layout in layouts.values()) + 2 * MARGIN
    height += HEADING * (2 if title else 1)
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    if title:
        axes.text(
            width / 2,
            height - MARGIN,
            title,
            # A dollar sign in a title begins no formula.
            parse_math=False,
            size=14,
            weight="bold",
            ha="center",
            va="top",
        )
    left = MARGIN
    for kind, layout in layouts.items():
        _draw_cell(axes, kind, layout, left)
        axes.text(
            left + layout.width / 2,
            MARGIN + layout.height + HEADING / 2,
            f"{kind} cell",
            size=12,
            ha="center",
            va="center",
        )
        left += layout.width + CELL_GAP
    return figure


def _draw_cell(axes, kind, layout, left):
    for edge in layout.edges:
        points = [(x + left, y + MARGIN) for x, y in edge.points]
        _draw_edge(axes, edge, points).set_gid(f"{kind}_edge_{edge.name}")
    for box in layout.boxes:
        _draw_box(axes, box, box.x + left, box.y + MARGIN).set_gid(
            f"{kind}_box_{box.name}"
        )


def _draw_edge(axes, edge, points):
    style = {
        "combine": {"color": BORDER, "linewidth": 1.0},
        "output": {
            "color": OUTPUT_COLOR,
            "linewidth": 1.0,
            "linestyle": (0, (4, 2)),
        },
        "input": {
            "color": COLORS[edge.state % len(COLORS)],
            "linewidth": 1.2,
        },
    }[edge.kind]
    arrow = FancyArrowPatch(
        path=_smooth(points),
        arrowstyle="-|>",
        mutation_scale=9,
        zorder=1 if edge.kind == "output" else 2,
    )
    arrow.set(**style)
    return axes.add_patch(arrow)


def _smooth(points):
    """A path that leaves and reaches every point vertically."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        bend = (y1 - y0) * 0.5
        vertices += [(x0, y0 + bend), (x1, y1 - bend), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def _draw_box(axes, box, x, y):
    if box.note:
        _text(axes, x, y + 0.075, box.label, size=10)
        _text(axes, x, y - 0.12, box.note, size=7, color="#555555")
    else:
        _text(axes, x, y, box.label, size=10)
    return axes.add_patch(
        FancyBboxPatch(
            (x - box.width / 2, y - BOX_HEIGHT / 2),
            box.width,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=FILLS[box.kind],
            edgecolor=BORDER,
            linewidth=0.8,
            zorder=3,
        )
    )


def _text(axes, x, y, text, **style):
    style = {"ha": "center", "va": "center", "zorder": 4, **style}
    axes.text(x, y, text, **style)
