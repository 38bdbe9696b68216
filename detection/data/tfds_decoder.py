"""COCO from TensorFlow Datasets, with COCO's category ids."""

import tensorflow as tf
from official.vision.dataloaders import (
    tfds_detection_decoders,
)

# COCO's ids go to 90; of these ten have no category.
_UNUSED = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
CATEGORY_IDS = [n for n in range(1, 91) if n not in _UNUSED]


# In the order of their ids.
CATEGORY_NAMES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,"
    "traffic light,fire hydrant,stop sign,parking meter,bench,bird,cat,dog,"
    "horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,"
    "baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,"
    "fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,"
    "toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,"
    "toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush"
).split(",")
_SETS = ("coco", "coco/2014", "coco/2017")


def category_names(tfds_name: str) -> dict[int, str]:
    """COCO's names by category id; empty for other sets."""
    if tfds_name not in _SETS:
        return {}
    return dict(zip(CATEGORY_IDS, CATEGORY_NAMES, strict=True))


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
    for name in _SETS:
        tfds_detection_decoders.TFDS_ID_TO_DECODER_MAP[name] = CocoDecoder
