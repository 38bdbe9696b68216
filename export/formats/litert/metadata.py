"""What a LiteRT file says of itself: images, answers, labels.

As LiteRT's metadata has it, so that MediaPipe Tasks and Android's code
generator open the file without being told anything. The labels are a file in
an archive that is appended to the model: `unzip model.tflite` gives them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.formats.labels import LABELS, labels_text
from export.formats.litert.metadata_schema import (
    NAME,
    PARSER_VERSION,
    ColorSpace,
    ContentType,
    FileType,
    ProcessUnitType,
    Table,
    encoded,
    table,
)
from export.formats.litert.packing import pack
from export.sources.about import About

# The same bytes for the same network, whenever it was written.
_DATE = (1980, 1, 1, 0, 0, 0)


def with_metadata(
    content: bytes,
    name: str,
    description: str,
    inputs: Sequence[Table],
    outputs: Sequence[Table],
    labels: Sequence[str] | None = None,
    about: About | None = None,
) -> bytes:
    """A LiteRT file that describes its tensors.

    Args:
        content: of a `.tflite` file.
        name: of the network.
        description: of what it does, for people.
        inputs: a `TensorMetadata` for each of the file's inputs, in order.
        outputs: the same of its outputs.
        labels: names of classes, by number; they become a file that
            `labels_file` refers to.
        about: what people say of it.

    Returns:
        The content of the file, its network as it was.
    """
    about = about or About()
    subgraph = table(
        "SubGraphMetadata",
        input_tensor_metadata=list(inputs),
        output_tensor_metadata=list(outputs),
    )
    metadata = table(
        "ModelMetadata",
        name=name,
        description=description,
        version=about.version,
        subgraph_metadata=[subgraph],
        author=about.author,
        license=about.license,
        min_parser_version=PARSER_VERSION,
    )
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(encoded(metadata), "uint8")
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    packed = pack(model)
    return packed if labels is None else _with_file(packed, labels)


def _with_file(content, labels):
    whole = io.BytesIO(content)
    # Appended to what is no archive, it stays readable as both. Not packed:
    # MediaPipe maps it into memory.
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(LABELS, _DATE)
        archive.writestr(entry, labels_text(labels))
    return whole.getvalue()


def labels_file(type: FileType) -> Table:
    """Refers to the labels.

    Args:
        type: whether they name a tensor's places or its values.
    """
    return table(
        "AssociatedFile",
        name=LABELS,
        description="The classes, one a line.",
        type=type,
    )


def image_tensor(
    name: str,
    description: str,
    channels: int,
    normalization: tuple[Iterable[float], Iterable[float]] | None,
) -> Table:
    """Describes an input of images.

    Args:
        name: of the tensor, for people.
        description: of it.
        channels: 3, or 1 of grey images.
        normalization: mean and deviation, for each channel or for all, of
            pixels from 0 to 255: the tensor takes `(pixel - mean) /
            deviation`; None: it says nothing of this.
    """
    space = ColorSpace.RGB if channels == 3 else ColorSpace.GRAYSCALE
    units, stats = [], None
    if normalization is not None:
        pairs = [
            (float(mean), float(deviation))
            for mean, deviation in zip(*normalization, strict=True)
        ]
        if len(set(pairs)) == 1:
            # Of one for all MediaPipe makes more than of three.
            pairs = pairs[:1]
        mean, deviation = map(list, zip(*pairs, strict=True))
        options = table("NormalizationOptions", mean=mean, std=deviation)
        units = [
            table(
                "ProcessUnit",
                options_type=ProcessUnitType.NORMALIZATION,
                options=options,
            )
        ]
        stats = table(
            "Stats",
            max=[(255 - m) / d for m, d in pairs],
            min=[(0 - m) / d for m, d in pairs],
        )
    return table(
        "TensorMetadata",
        name=name,
        description=description,
        content=content(
            ContentType.IMAGE, table("ImageProperties", color_space=space)
        ),
        process_units=units,
        stats=stats,
    )


def content(type: ContentType, properties: Table, range=None) -> Table:
    """What a tensor holds.

    Args:
        type: of the properties.
        properties: the table of them.
        range: first and last of the dimensions that it holds them in; None:
            all but the batch.
    """
    if range is not None:
        range = table("ValueRange", min=range[0], max=range[1])
    return table(
        "Content",
        content_properties_type=type,
        content_properties=properties,
        range=range,
    )


def scores_tensor(name: str, description: str, labelled: bool) -> Table:
    """Describes an output of one score for each class.

    Args:
        name: of the tensor, for people.
        description: of it.
        labelled: whether the file has labels.
    """
    files = [labels_file(FileType.AXIS_LABELS)] if labelled else []
    return table(
        "TensorMetadata",
        name=name,
        description=description,
        content=content(ContentType.FEATURE, table("FeatureProperties")),
        associated_files=files,
    )
