"""How a camera was held, read by TensorFlow's operations alone.

`nasnet_tf.data` asks Pillow, which no SavedModel can carry along.
"""

import tensorflow as tf

# What goes before EXIF's data in JPEG and in PNG, both near the beginning.
_MARKERS = (b"Exif\0\0", b"eXIf")
_SEARCHED = 65536
# EXIF's orientation, and the octets of an entry of its directory.
_TAG = 0x0112
_ENTRY = 12
# Damaged data may promise any number.
_MOST_ENTRIES = 512


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns an image as EXIF's orientation says.

    Args:
        image: `(height, width, channels)`.
        orientation: a scalar, 1 to 8; see `exif_orientation`.
    """
    image = tf.cond(
        orientation > 4, lambda: tf.transpose(image, (1, 0, 2)), lambda: image
    )
    for axis, turned in ((1, (2, 3, 6, 7)), (0, (3, 4, 7, 8))):
        flips = tf.reduce_any(orientation == tf.constant(turned))
        image = tf.cond(
            flips,
            lambda image=image, axis=axis: tf.reverse(image, [axis]),
            lambda image=image: image,
        )
    return image


def exif_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """EXIF's orientation of a JPEG or PNG.

    Args:
        encoded: a scalar string.

    Returns:
        int32, 1 to 8; 1, which is upright, where there is none.
    """
    head = tf.strings.substr(encoded, 0, _SEARCHED)
    octets = tf.cast(tf.io.decode_raw(head, "uint8"), "int64")
    # So that there is something to read at any place.
    octets = tf.pad(octets, [[0, _ENTRY]])
    start = _after_marker(octets)
    is_little = tf.gather(octets, start) == ord("I")

    def read(places, size):
        """Integers of `size` octets at places of EXIF's data."""
        index = (
            start
            + tf.cast(places, "int64")[..., None]
            + tf.range(size, dtype="int64")
        )
        index = tf.clip_by_value(index, 0, tf.size(octets, "int64") - 1)
        little = [256**place for place in range(size)]
        # Not little[::-1] of a tensor: TensorFlow's optimiser stumbles over it.
        big = tf.constant(list(reversed(little)), "int64")
        worth = tf.where(is_little, tf.constant(little, "int64"), big)
        return tf.reduce_sum(tf.gather(octets, index) * worth, axis=-1)

    directory = read(tf.constant(4), 4)
    count = tf.minimum(read(directory, 2), _MOST_ENTRIES)
    entries = directory + 2 + _ENTRY * tf.range(count)
    values = tf.boolean_mask(read(entries + 8, 2), read(entries, 2) == _TAG)
    value = tf.reduce_max(tf.concat([values, [1]], axis=0))
    is_known = (start > 0) & (value <= 8)
    return tf.where(is_known, tf.cast(value, "int32"), 1)


def _after_marker(octets):
    """The place after the first marker, or 0."""
    start = tf.constant(0, "int64")
    for marker in _MARKERS:
        last = tf.size(octets) - len(marker)
        found = tf.ones([tf.maximum(last, 0)], "bool")
        for place, octet in enumerate(marker):
            found &= octets[place : place + tf.maximum(last, 0)] == octet
        first = tf.concat([tf.where(found)[:, 0] + len(marker), [0]], axis=0)
        start = tf.where(start > 0, start, first[0])
    return start
