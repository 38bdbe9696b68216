"""Images stretched to one size before Model Garden's parts see them."""

import tensorflow as tf


def stretches(parser_config) -> bool:
    """Whether a parser's configuration stretches images as ours does.

    Model Garden's parser of RetinaNet stretches by itself.
    """
    is_ours = hasattr(parser_config, "half_pixel_centers")
    return is_ours and not parser_config.keep_aspect_ratio


def stretched(image: tf.Tensor, size, half_pixel_centers: bool) -> tf.Tensor:
    """An image of another size, its aspect ratio not kept.

    Args:
        image: `(height, width, 3)`, 0 to 255.
        size: height and width.
        half_pixel_centers: as TensorFlow 2 resizes; False: as TensorFlow 1
            did, whose first pixels coincide.

    Returns:
        `(*size, 3)` float32, 0 to 255, without antialiasing.
    """
    resized = tf.raw_ops.ResizeBilinear(
        images=tf.cast(image, tf.float32)[None],
        size=tf.constant(size, tf.int32),
        align_corners=False,
        half_pixel_centers=half_pixel_centers,
    )[0]
    return tf.ensure_shape(resized, [*size, 3])


def image_info(image_shape, info: tf.Tensor) -> tf.Tensor:
    """Model Garden's `image_info` of an image that was stretched before.

    Args:
        image_shape: height and width before.
        info: `(4, 2)`, of the stretched image.
    """
    sides = tf.cast(image_shape, tf.float32)
    return tf.stack([sides, info[1], info[2] * info[0] / sides, info[3]])
