"""Images fitted into a network's input, as Model Garden's parser does it."""

import numpy as np

# Of ImageNet, in pixels; Model Garden normalises by it and pads with it.
MEAN_PIXEL = (0.485 * 255, 0.456 * 255, 0.406 * 255)


def letterbox(
    image: np.ndarray,
    image_size,
    padded_size,
    keep_aspect_ratio: bool = True,
    half_pixel_centers: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Resizes an image and pads it at the bottom and at the right.

    It does what `resize_and_crop_image` of Model Garden does, in NumPy: each
    pixel is interpolated from four, without antialiasing.

    Args:
        image: `(height, width, 3)`, RGB, 0 to 255.
        image_size: height and width to fit it into.
        padded_size: height and width of the result.
        keep_aspect_ratio: else it is stretched to `image_size`.
        half_pixel_centers: see `detection.modeling.stretching`.

    Returns:
        `(1, height, width, 3)` float32, pixels, and the scales of y and x.
    """
    # In float32 as TensorFlow computes it, for sizes are rounded.
    size = np.array(image.shape[:2], np.float32)
    wanted = np.array(image_size, np.float32)
    if keep_aspect_ratio:
        wanted = np.round(size * (wanted / size).min())
    height, width = wanted.astype(int)
    offset = np.float32(0.5 if half_pixel_centers else 0)
    resized = _resized(image, width, 1, offset)
    resized = _resized(resized, height, 0, offset)
    fitted = np.empty((1, *padded_size, 3), np.float32)
    fitted[:] = np.array(MEAN_PIXEL, np.float32)
    fitted[0, :height, :width] = resized
    return fitted, wanted / size


def _resized(image, length, axis, offset):
    image = image.astype(np.float32)
    count = image.shape[axis]
    scale = np.float32(count) / np.float32(length)
    centres = (np.arange(length, dtype=np.float32) + offset) * scale
    places = centres - offset
    floors = np.floor(places)
    first = np.maximum(floors, 0).astype(int)
    last = np.minimum(np.ceil(places), count - 1).astype(int)
    shape = [1] * image.ndim
    shape[axis] = length
    shares = (places - floors).reshape(shape)
    first, last = np.take(image, first, axis), np.take(image, last, axis)
    return first + (last - first) * shares
