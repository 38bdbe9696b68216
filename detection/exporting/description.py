"""A detector's LiteRT file with its metadata."""

from ai_edge_litert import schema_py_generated as schema

from detection.data.categories import Categories
from export.formats.litert.metadata import (
    content,
    image_tensor,
    labels_file,
    with_metadata,
)
from export.formats.litert.metadata_schema import (
    BoxType,
    ContentType,
    CoordinateType,
    FileType,
    Table,
    table,
)

# (left, top, right, bottom) are these of (ymin, xmin, ymax, xmax).
_ORDER = [1, 0, 3, 2]
# The dimension of the detections.
_EACH = (2, 2)


def described(
    model: bytes, size: tuple[int, int], categories: Categories
) -> bytes:
    """A file that says what it reads, and what its outputs are.

    Args:
        model: content of the `.tflite` file; outputs as Model Garden names
            them.
        size: height and width of its input.
        categories: of the network; empty where they are unknown.
    """
    height, width = size
    image = image_tensor(
        "image",
        f"{height}x{width} pixels from 0 to 255, the image fitted into them.",
        3,
        ((0.0,), (1.0,)),
    )
    outputs = _outputs(bool(categories))
    return with_metadata(
        model,
        "NASNet detector",
        "Finds objects in an image.",
        [image],
        [outputs[name] for name in _output_names(model)],
        _labels(categories) if categories else None,
    )


def _output_names(content):
    """The signature's name of each output, in the file's order."""
    # Not unpacked: the weights may be half a gigabyte.
    model = schema.Model.GetRootAs(content)
    signature = model.SignatureDefs(0)
    outputs = map(signature.Outputs, range(signature.OutputsLength()))
    names = {output.TensorIndex(): output.Name().decode() for output in outputs}
    return [names[index] for index in model.Subgraphs(0).OutputsAsNumpy()]


def _labels(categories):
    """A name for each value of `detection_classes`."""
    names = {label: categories[id] for id, label in categories.labels.items()}
    unused = [f"unused {n}" for n in range(categories.num_classes)]
    unused[0] = "background"
    return [names.get(label, name) for label, name in enumerate(unused)]


def _outputs(labelled) -> dict[str, Table]:
    box = table(
        "BoundingBoxProperties",
        index=_ORDER,
        type=BoxType.BOUNDARIES,
        coordinate_type=CoordinateType.PIXEL,
    )
    boxes = content(ContentType.BOUNDING_BOX, box, _EACH)
    plain = table("FeatureProperties")
    each = content(ContentType.FEATURE, plain, _EACH)
    whole = content(ContentType.FEATURE, plain)
    files = [labels_file(FileType.VALUE_LABELS)] if labelled else []
    texts = {
        "detection_boxes": (
            "location",
            "(ymin, xmin, ymax, xmax), in pixels of the input.",
            boxes,
        ),
        "detection_classes": (
            "category",
            "The number of each box's class; 0 is the background.",
            each,
        ),
        "detection_scores": ("score", "Of each box, from 0 to 1.", each),
        "num_detections": (
            "number of detections",
            "How many of the boxes were found.",
            whole,
        ),
    }
    return {
        output: table(
            "TensorMetadata",
            name=name,
            description=description,
            content=held,
            associated_files=files if output == "detection_classes" else None,
        )
        for output, (name, description, held) in texts.items()
    }
