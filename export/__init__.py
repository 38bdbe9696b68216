"""Networks for phones, servers and browsers, in the formats these take.

`python -m export.run` writes a file, `python -m export.benchmark` times files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nasnet_tf.terminal import quiet_commands  # noqa: F401

if TYPE_CHECKING:
    import keras

__all__ = ["optimize"]


def optimize(
    model: keras.Model,
    image_size: int | tuple[int, int] | None = None,
    rewrites: Iterable[str] | None = None,
) -> keras.Model:
    """The same network for inference, faster, as plain Keras layers.

    Cells are taken apart, batch norm is folded into convolutions, ReLUs and
    pools are shared; dropout, drop path and the auxiliary head are gone.

    Args:
        model: a `nasnet_tf.NASNet`, or another functional Keras classifier
            made of convolutions, pools and the like; it stays as it is.
        image_size: pixels, where the model reads any size.
        rewrites: keys of `export.rewrites.REWRITES`; None: those that pay in
            every runtime.

    Returns:
        A functional model with the outputs of `model(images,
        training=False)` up to rounding, for images of one size.

    Raises:
        InputError: the size is open, a rewrite is unknown, or a layer cannot
            be taken apart.
    """
    # A command says what its flags are before it needs Keras.
    from export.graph import read_model, to_keras
    from export.rewrites import rewrite

    return to_keras(rewrite(read_model(model, image_size), rewrites))
