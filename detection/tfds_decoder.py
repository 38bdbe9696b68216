"""COCO from TensorFlow Datasets, with COCO's category ids."""

import tensorflow as tf
from official.vision.dataloaders import (
    tfds_detection_decoders,
)

# COCO's ids go to 90; of these ten have no category.
_UNUSED = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
CATEGORY_IDS = [n for n in range(1, 91) if n not in _UNUSED]


class CocoDecoder(tfds_detection_decoders.MSCOCODecoder):
    """Model Garden's decoder, with category ids as classes.

    TFDS numbers the 80 categories from 0. Model Garden's decoder leaves them
    so, and its detectors take class 0, the persons, for the background.
    """

    def decode(self, serialized_example):
        decoded = super().decode(serialized_example)
        ids = tf.constant(CATEGORY_IDS, tf.int64)
        classes = tf.gather(ids, decoded["groundtruth_classes"])
        return decoded | {"groundtruth_classes": classes}


def register() -> None:
    """Makes it Model Garden's decoder of `coco/2017` and `coco/2014`."""
    for name in ("coco", "coco/2014", "coco/2017"):
        tfds_detection_decoders.TFDS_ID_TO_DECODER_MAP[name] = CocoDecoder
