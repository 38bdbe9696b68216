"""How training changes images, drawn from (seed, position) alone.

All draws of a global batch are made at once, and each replica takes its rows:
so they are the same however the batch is split, and whenever it is resumed.
"""

import tensorflow as tf

from nasnet_tf.data import order

# Columns of the draws.
_TOP, _LEFT, _FLIP, _CUT_ROW, _CUT_COLUMN = range(5)
_BRIGHTNESS, _SATURATION, _HUE, _CONTRAST = range(5, 9)
_DRAWS = 9

# Inception's crops: parts of the area, and width by height.
AREA = (0.08, 1.0)
ASPECT = (3 / 4, 4 / 3)
# Inception's changes of colour, as TF-slim has them.
BRIGHTNESS = 32.0
SATURATION = (0.5, 1.5)
HUE = 0.2
CONTRAST = (0.5, 1.5)


def draw(seed, position, batch_size: int, count: int) -> tf.Tensor:
    """Uniform draws in [0, 1) for some examples of a global batch.

    Args:
        seed: of the job.
        position: of the first one in the training stream.
        batch_size: of all replicas.
        count: number of examples, all of one global batch.

    Returns:
        `(count, draws)`, float32.
    """
    step, first = position // batch_size, position % batch_size
    draws = tf.random.stateless_uniform(
        (batch_size, _DRAWS), order.seed_pair(seed, order.AUGMENT, step)
    )
    rows = draws[first : first + count]
    return tf.ensure_shape(rows, (count, _DRAWS))


def random_window(shape, seed, position) -> tuple:
    """A window of 8 to 100 % of the area, as Inception was trained with.

    Its width by height is 3/4 to 4/3. Where none fits, it is the image.

    Args:
        shape: `(3,)`, of the image.
        seed: of the job.
        position: of the example in the training stream.
    """
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        shape,
        tf.zeros((1, 0, 4)),
        order.seed_pair(seed, order.CROP, position),
        min_object_covered=0.0,
        aspect_ratio_range=ASPECT,
        area_range=AREA,
        max_attempts=100,
        use_image_if_no_bounding_boxes=True,
    )
    return begin[0], begin[1], size[0], size[1]


def pad(images: tf.Tensor, pixels: int, value: int = 0) -> tf.Tensor:
    """Adds `pixels` of a value on each side of images `(n, h, w, c)`."""
    border = [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]]
    return tf.pad(images, border, constant_values=tf.cast(value, images.dtype))


def crop_and_flip(
    images: tf.Tensor, draws: tf.Tensor, size: tuple[int, int], flip: bool
) -> tf.Tensor:
    """Cuts a random part out of each image and mirrors half of them.

    Args:
        images: `(n, height, width, c)`.
        draws: of `draw`.
        size: `(height, width)` of the parts.
        flip: whether to mirror, left to right.
    """
    height, width = size
    top = _integers(draws[:, _TOP], images.shape[1] - height + 1)
    left = _integers(draws[:, _LEFT], images.shape[2] - width + 1)
    columns = tf.range(width)[None]
    if flip:
        mirrored = draws[:, _FLIP, None] < 0.5
        columns = tf.where(mirrored, columns[:, ::-1], columns)
    rows = top[:, None] + tf.range(height)[None]
    images = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(images, left[:, None] + columns, axis=2, batch_dims=1)


def flip(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Mirrors half of the images `(n, h, w, c)` left to right."""
    mirrored = draws[:, _FLIP, None, None, None] < 0.5
    return tf.where(mirrored, images[:, :, ::-1], images)


def cutout(images: tf.Tensor, draws: tf.Tensor, side: int) -> tf.Tensor:
    """Sets a square of each image to 0 (DeVries and Taylor 2017).

    Its middle is any pixel, so that it may reach over the edge.

    Args:
        images: `(n, height, width, c)`, preprocessed: 0 is their middle.
        draws: of `draw`.
        side: of the square in pixels.
    """
    rows = _in_square(draws[:, _CUT_ROW], images.shape[1], side)
    columns = _in_square(draws[:, _CUT_COLUMN], images.shape[2], side)
    square = rows[:, :, None] & columns[:, None, :]
    return tf.where(square[..., None], tf.zeros((), images.dtype), images)


def distort_color(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Changes brightness, saturation, hue and contrast, in this order.

    By the amounts of TF-slim, whose order varies with the thread. Values are
    clipped before the change of saturation, which is defined for 0 to 255,
    and at the end.

    Args:
        images: `(n, height, width, 3)`, float, 0 to 255.
        draws: of `draw`.
    """

    def uniform(column, low, high):
        column = draws[:, column, None, None]
        return low + tf.cast(column, images.dtype) * (high - low)

    images = images + uniform(_BRIGHTNESS, -BRIGHTNESS, BRIGHTNESS)[..., None]
    images = tf.clip_by_value(images, 0.0, 255.0) / 255.0
    hue, saturation, value = tf.unstack(tf.image.rgb_to_hsv(images), axis=-1)
    saturation = tf.minimum(1.0, saturation * uniform(_SATURATION, *SATURATION))
    hue = tf.math.floormod(hue + uniform(_HUE, -HUE, HUE), 1.0)
    hsv = tf.stack([hue, saturation, value], axis=-1)
    images = tf.image.hsv_to_rgb(hsv) * 255.0
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    contrast = uniform(_CONTRAST, *CONTRAST)[..., None]
    return tf.clip_by_value((images - mean) * contrast + mean, 0.0, 255.0)


def _integers(uniform, below):
    return tf.cast(uniform * below, "int32")


def _in_square(uniform, size, side):
    start = _integers(uniform, size)[:, None] - side // 2
    pixels = tf.range(size)[None]
    return (pixels >= start) & (pixels < start + side)
