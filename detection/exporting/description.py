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
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    names = {
        output.tensorIndex: output.name.decode()
        for output in model.signatureDefs[0].outputs
    }
    return [names[index] for index in model.subgraphs[0].outputs]


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
    plain = table("FeatureProperties")
    files = [labels_file(FileType.VALUE_LABELS)] if labelled else []
    return {
        "detection_boxes": table(
            "TensorMetadata",
            name="location",
            description="(ymin, xmin, ymax, xmax), in pixels of the input.",
            content=content(ContentType.BOUNDING_BOX, box, _EACH),
        ),
        "detection_classes": table(
            "TensorMetadata",
            name="category",
            description="The number of each box's class; 0 is the background.",
            content=content(ContentType.FEATURE, plain, _EACH),
            associated_files=files,
        ),
        "detection_scores": table(
            "TensorMetadata",
            name="score",
            description="Of each box, from 0 to 1.",
            content=content(ContentType.FEATURE, plain, _EACH),
        ),
        "num_detections": table(
            "TensorMetadata",
            name="number of detections",
            description="How many of the boxes were found.",
            content=content(ContentType.FEATURE, plain),
        ),
    }
