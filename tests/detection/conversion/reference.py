"""What the published detector computes outside its two networks, in NumPy.

Written from what is known of the graph, not from the package's code.
"""

import numpy as np

from tests.detection.conversion.published import CLASSES, RATIOS, SIZES


def resized(image, height, width):
    """TensorFlow 1's bilinear resize, which has no half-pixel centres."""
    image = image.astype(np.float64)
    y = np.arange(height) * image.shape[0] / height
    x = np.arange(width) * image.shape[1] / width
    return interpolated(image, y[:, None], x[None])


def interpolated(values, y, x):
    """Bilinear, at places on a grid."""
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    last = np.array(values.shape[:2]) - 1
    bottom, right = np.minimum(top + 1, last[0]), np.minimum(left + 1, last[1])
    y, x = (y - top)[..., None], (x - left)[..., None]
    upper = values[top, left] * (1 - x) + values[top, right] * x
    lower = values[bottom, left] * (1 - x) + values[bottom, right] * x
    return upper * (1 - y) + lower * y


def anchors(rows, columns):
    """Clipped; for each position, for each ratio, for each size."""
    found = [
        (16 * y - h / 2, 16 * x - w / 2, 16 * y + h / 2, 16 * x + w / 2)
        for y in range(rows)
        for x in range(columns)
        for ratio in RATIOS
        for size in SIZES
        for h, w in [(size / np.sqrt(ratio), size * np.sqrt(ratio))]
    ]
    return clipped(np.array(found), 16 * rows, 16 * columns)


def clipped(boxes, height, width):
    return np.clip(boxes, 0, [height, width, height, width])


def decoded(encoded, boxes):
    sides = boxes[..., 2:] - boxes[..., :2]
    centres = boxes[..., :2] + sides / 2 + encoded[..., :2] / 10 * sides
    half = np.exp(encoded[..., 2:] / 5) * sides / 2
    return np.concatenate([centres - half, centres + half], axis=-1)


def area(boxes):
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def suppressed(boxes, scores, iou, most):
    """The numbers of the boxes that stay, the surest first."""
    kept = []
    for number in np.argsort(-scores, kind="stable"):
        others = boxes[kept]
        least = np.minimum(boxes[number, 2:], others[:, 2:])
        shared = np.maximum(boxes[number, :2], others[:, :2])
        overlap = np.prod(np.maximum(least - shared, 0), axis=-1)
        union = area(boxes[number]) + area(others) - overlap
        if len(kept) < most and (overlap <= iou * union).all():
            kept.append(number)
    return kept


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def proposals(features, values, most):
    """`(n, 4)` in pixels, of a map `(rows, columns, channels)`."""
    rows, columns, _ = features.shape
    padded = np.pad(features.astype(np.float64), [(1, 1), (1, 1), (0, 0)])
    kernel = values["Conv/weights"]
    hidden = values["Conv/biases"] + sum(
        padded[y : y + rows, x : x + columns] @ kernel[y, x]
        for y in range(3)
        for x in range(3)
    )
    hidden = np.clip(hidden, 0, 6)
    heads = {}
    for name, size in {"BoxEncoding": 4, "Class": 2}.items():
        place = f"FirstStageBoxPredictor/{name}Predictor"
        out = hidden @ values[f"{place}/weights"][0, 0]
        heads[name] = (out + values[f"{place}/biases"]).reshape(-1, size)
    boxes = decoded(heads["BoxEncoding"], anchors(rows, columns))
    scores = softmax(heads["Class"])[:, 1]
    boxes = boxes[suppressed(boxes, scores, 0.7, most)]
    boxes = clipped(boxes, 16 * rows, 16 * columns)
    return boxes[area(boxes) > 0]


def crops(features, boxes, size=17):
    rows, columns, _ = features.shape
    found = []
    for box in boxes / np.tile([16 * rows, 16 * columns], 2):
        steps = np.arange(size) / (size - 1)
        y = (box[0] + steps * (box[2] - box[0])) * (rows - 1)
        x = (box[1] + steps * (box[3] - box[1])) * (columns - 1)
        found.append(interpolated(features, y[:, None], x[None]))
    return np.array(found)


def detections(cells, boxes, values, height, width, most):
    """Boxes in pixels, scores and classes from 1, of the last cells' maps."""
    pooled = cells.astype(np.float64).mean(axis=(1, 2))
    heads = {
        name: pooled
        @ values[f"SecondStageBoxPredictor/{name}Predictor/weights"]
        + values[f"SecondStageBoxPredictor/{name}Predictor/biases"]
        for name in ("BoxEncoding", "Class")
    }
    scores = softmax(heads["Class"])[:, 1:]
    found = decoded(
        heads["BoxEncoding"].reshape(-1, CLASSES, 4), boxes[:, None]
    )
    kept = [
        (scores[n, label], label + 1, found[n, label])
        for label in range(CLASSES)
        for n in suppressed(found[:, label], scores[:, label], 0.6, most)
    ]
    kept.sort(key=lambda entry: -entry[0])
    inside = clipped(np.array([box for *_, box in kept]), height, width)
    there = np.flatnonzero(area(inside) > 0)[:most]
    return (
        inside[there],
        np.array([kept[n][0] for n in there]),
        np.array([kept[n][1] for n in there]),
    )
