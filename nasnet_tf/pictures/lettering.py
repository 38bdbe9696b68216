"""Letters on pictures."""

import functools
import pathlib

from PIL import ImageFont


@functools.cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, `size` pixels high."""
    # Only for its font, and a command's help needs none.
    import matplotlib

    # Pillow's own font has few letters beyond English ones.
    return ImageFont.truetype(
        pathlib.Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"),
        size,
    )


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """A text that ends in dots where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
