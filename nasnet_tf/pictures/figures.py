"""Figures, drawn without pyplot and its state."""

import io
import re

BLUE, ORANGE, RED = "#3b82f6", "#f59e0b", "#e5484d"
# In an SVG this becomes `currentColor`: text follows the page, light or dark.
INK = "#010203"
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "sans-serif",
    "font.size": 10,
    # Every image is embedded as it is and scaled by the browser.
    "image.composite_image": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "nasnet_tf",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def new_figure(width: float, height: float, bare: bool = False):
    """A transparent figure of this size in inches, and its axes.

    Args:
        width: of the figure.
        height: of the figure.
        bare: whether the axes fill the figure and are not drawn.
    """
    # A command's help comes without Matplotlib.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure((width, height))
        if not bare:
            figure.set_layout_engine("constrained")
        axes = figure.add_axes((0, 0, 1, 1)) if bare else figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    if bare:
        axes.set_axis_off()
    return figure, axes


def image_grid(images, captions, wrong, columns, caption_height=0.35):
    """A figure of images in rows, each with a caption under it.

    Args:
        images: `(n, height, width, 3)`, uint8.
        captions: n texts.
        wrong: n truth values; a true one makes frame and caption red.
        columns: images in a row.
        caption_height: in heights of an image.
    """
    rows = -(-len(images) // columns)
    pitch = 1.1 + caption_height
    figure, axes = new_figure(
        0.8 * (columns + 0.02), 0.8 * (rows * pitch + 0.02), bare=True
    )
    for number, image in enumerate(images):
        row, left = divmod(number, columns)
        right, top, bottom = left + 0.9, row * pitch, row * pitch + 0.9
        place = (left, right, bottom, top)
        axes.imshow(image, extent=place, interpolation="none")
        style = {"color": INK}
        if wrong[number]:
            style = {"color": RED, "fontweight": "bold"}
            corners = (
                (left, top),
                (right, top),
                (right, bottom),
                (left, bottom),
            )
            axes.plot(*zip(*corners, corners[0], strict=True), color=RED, lw=2)
        axes.text(
            (left + right) / 2,
            bottom + 0.08,
            captions[number],
            ha="center",
            va="top",
            fontsize=9,
            **style,
        )
    # Room for the frame of a mistake.
    axes.set_xlim(-0.02, columns)
    axes.set_ylim(rows * pitch, -0.02)
    return figure


def to_svg(figure) -> str:
    """The figure as an `<svg>` element to stand in a page.

    Its text is text, and in the page's colour; it has no date and no ids but
    those it refers to, so that the same figure gives the same element.
    """
    # As in `new_figure`.
    from matplotlib import rc_context

    text = io.StringIO()
    # None leaves the field out, and with all of them the whole block.
    absent = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context(STYLE):
        figure.savefig(text, format="svg", metadata=absent)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    # Black, such as a legend's that was made outside STYLE, is left out there.
    svg = svg.replace("<svg ", '<svg fill="currentColor" ', 1)
    return re.sub(r'<g id="[^"]*"', "<g", svg)


NAME_LENGTH = 24


def shortened_name(name: str) -> str:
    """A class name that fits beside a picture, ending in dots if cut."""
    if len(name) > NAME_LENGTH:
        name = name[: NAME_LENGTH - 1] + "\u2026"
    return escaped(name)


def escaped(text: str) -> str:
    """Text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")
