"""A classifier's LiteRT file with its metadata."""

from export.formats.litert.metadata import (
    image_tensor,
    scores_tensor,
    with_metadata,
)
from export.graph import Graph
from export.graph.preprocessing import PREPROCESSINGS, normalization
from export.sources.original import Original


def mediapipe_limit(original: Original, input_type: str) -> str:
    """What MediaPipe's ImageClassifier makes of a file, in a sentence.

    Args:
        original: what the file was made of.
        input_type: of the file.
    """
    problem, remedy = None, "export with --input_type=uint8"
    scaling = normalization(original.preprocessing, original.channels)
    if original.channels != 3:
        problem, remedy = "takes images in colour only", "train with 3 channels"
    elif input_type == "uint8":
        pass
    elif scaling is None:
        problem = "knows no such scaling of images"
    elif any(len(set(part)) > 1 for part in scaling):
        problem = "cannot scale channels differently"
    if problem:
        return (
            f"MediaPipe's ImageClassifier does not open it, as it {problem}; "
            f"{remedy}."
        )
    text = "MediaPipe's ImageClassifier opens it"
    if original.reading.crop < 1:
        text += (
            "; it reads whole images, where this network was made for the "
            f"middle {original.reading.crop:.1%} of height and width: crop "
            "them first"
        )
    return f"{text}."


def described(content: bytes, original: Original, graph: Graph) -> bytes:
    """A classifier's file that says how it reads images, and its classes.

    Args:
        content: of the `.tflite` file.
        original: what it was made of.
        graph: as it was written.
    """
    ((_, node),) = graph.of("input")
    height, width = original.size
    where = f"{height}x{width} pixels"
    if node.options.get("dtype") == "uint8":
        scaling, text = None, f"{where} from 0 to 255."
    else:
        scaling = normalization(original.preprocessing, original.channels)
        text = f"{where}, {PREPROCESSINGS[original.preprocessing]}."
    images = image_tensor("image", text, original.channels, scaling)
    scores = scores_tensor(
        "score", "One for each class.", bool(original.labels)
    )
    return with_metadata(
        content,
        original.model.name,
        f"Classifies an image into {original.classes:,} classes.",
        [images],
        [scores],
        original.labels,
        original.about,
    )
