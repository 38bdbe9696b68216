"""What a detector finds in one image."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Detections:
    """The objects found in one image, the surest first.

    Args:
        boxes: `(n, 4)` float32: ymin, xmin, ymax, xmax in pixels of the
            original image, clipped to it.
        scores: `(n,)` float32, descending.
        classes: `(n,)` int32, or int64 where labels are other numbers than
            ids; the data set's own category ids.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
