"""Which images are held out where a data set has none to evaluate on."""

import hashlib
import math
import pathlib
from collections.abc import Sequence

from detection.data.annotations import AnnotatedImage
from nasnet_tf.checks.errors import InputError

HELD_OUT_SHARE = 0.2
MOST_HELD_OUT = 5_000


def hold_out(
    images: Sequence[AnnotatedImage],
) -> tuple[list[AnnotatedImage], list[AnnotatedImage]]:
    """A fifth of the images, by their names.

    A name decides: another order, a format, or more images leave the others
    where they are, but for those at the border of the share.

    Args:
        images: of a data set.

    Returns:
        The images to train on and those that are held out, in their order.

    Raises:
        InputError: there are fewer than two.
    """
    if len(images) < 2:
        raise InputError(
            f"data: {len(images)} image leaves none to evaluate on; give two "
            "or more"
        )
    count = math.ceil(HELD_OUT_SHARE * len(images))
    count = min(count, MOST_HELD_OUT, len(images) - 1)
    chosen = set(
        sorted(range(len(images)), key=lambda n: _draw(images[n]))[:count]
    )
    training = [image for n, image in enumerate(images) if n not in chosen]
    return training, [image for n, image in enumerate(images) if n in chosen]


def _draw(image):
    # Without folder and ending: the same in every format of annotations.
    name = pathlib.PurePosixPath(image.file_name).stem
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()
