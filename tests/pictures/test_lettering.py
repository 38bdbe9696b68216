"""Letters on pictures: their font, and texts cut to a width."""

import numpy as np
from PIL import Image, ImageDraw

from nasnet_tf.pictures.lettering import load_font, shortened


def drawn(letter):
    image = Image.new("L", (30, 30))
    ImageDraw.Draw(image).text((2, 2), letter, 255, load_font(20))
    return np.asarray(image)


def test_letters_beyond_english_ones_are_there():
    pictures = [drawn(letter) for letter in ("\uffff", "ß", "Ж", "λ", "…")]
    assert all(picture.any() for picture in pictures)
    for picture in pictures[1:]:
        # The first is what stands for a letter that is missing.
        assert not np.array_equal(picture, pictures[0])


def test_texts_are_as_long_as_there_is_room():
    font = load_font(13)
    text = "a long name of a class"
    width = font.getlength(text)
    assert shortened(text, font, width) == text
    cut = shortened(text, font, width - 1)
    assert cut.endswith("…") and text.startswith(cut[:-1])
    assert font.getlength(cut) <= width - 1
    longer = text[: len(cut)] + "…"
    assert font.getlength(longer) > width - 1
    assert shortened(text, font, 0) == "…"
