"""The tables of LiteRT's metadata, as far as they are written here.

Of the published schema metadata_schema.fbs (file identifier M001); a field's
number in its table is its place in the list. A union has two fields: which of
its tables it holds, and that table.
"""

import dataclasses
import enum

import flatbuffers

NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"
# Of the parser of metadata, that knows all fields that are written here.
PARSER_VERSION = "1.0.0"


class FileType(enum.IntEnum):
    """What a file beside the model is."""

    AXIS_LABELS = 2
    VALUE_LABELS = 3


class ColorSpace(enum.IntEnum):
    """Of an image."""

    RGB = 1
    GRAYSCALE = 2


class BoxType(enum.IntEnum):
    """What the four numbers of a box are."""

    BOUNDARIES = 1


class CoordinateType(enum.IntEnum):
    """What a box is measured in: parts of the image, or pixels."""

    RATIO = 0
    PIXEL = 1


class ContentType(enum.IntEnum):
    """The union of what a tensor holds."""

    FEATURE = 1
    IMAGE = 2
    BOUNDING_BOX = 3


class ProcessUnitType(enum.IntEnum):
    """The union of what is done with a tensor."""

    NORMALIZATION = 1


_STRING, _TABLE = "string", "table"
_TABLES, _FLOATS, _UINTS = "tables", "floats", "uints"
_BYTE, _INT, _UINT = "byte", "int", "uint"
SCHEMA: dict[str, dict[str, str]] = {
    "ModelMetadata": {
        "name": _STRING,
        "description": _STRING,
        "version": _STRING,
        "subgraph_metadata": _TABLES,
        "author": _STRING,
        "license": _STRING,
        "associated_files": _TABLES,
        "min_parser_version": _STRING,
    },
    "SubGraphMetadata": {
        "name": _STRING,
        "description": _STRING,
        "input_tensor_metadata": _TABLES,
        "output_tensor_metadata": _TABLES,
    },
    "TensorMetadata": {
        "name": _STRING,
        "description": _STRING,
        "dimension_names": _TABLES,
        "content": _TABLE,
        "process_units": _TABLES,
        "stats": _TABLE,
        "associated_files": _TABLES,
    },
    "Content": {
        "content_properties_type": _BYTE,
        "content_properties": _TABLE,
        "range": _TABLE,
    },
    "FeatureProperties": {},
    "ImageProperties": {"color_space": _BYTE, "default_size": _TABLE},
    "ImageSize": {"width": _UINT, "height": _UINT},
    "BoundingBoxProperties": {
        "index": _UINTS,
        "type": _BYTE,
        "coordinate_type": _BYTE,
    },
    "ValueRange": {"min": _INT, "max": _INT},
    "ProcessUnit": {"options_type": _BYTE, "options": _TABLE},
    "NormalizationOptions": {"mean": _FLOATS, "std": _FLOATS},
    "Stats": {"max": _FLOATS, "min": _FLOATS},
    "AssociatedFile": {
        "name": _STRING,
        "description": _STRING,
        "type": _BYTE,
    },
}


@dataclasses.dataclass(frozen=True)
class Table:
    """One table of the schema.

    Args:
        kind: its name there.
        fields: by name; a string, a `Table`, a list of these or of numbers, or
            a number. None and empty ones are left out.
    """

    kind: str
    fields: dict


def table(kind: str, **fields) -> Table:
    """A table of the schema."""
    unknown = fields.keys() - SCHEMA[kind].keys()
    if unknown:
        raise KeyError(f"{kind} has no {', '.join(unknown)}")
    return Table(kind, fields)


def encoded(root: Table) -> bytes:
    """The flatbuffer of a table and all that it holds."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(_written(builder, root), IDENTIFIER)
    return bytes(builder.Output())


def _written(builder, made):
    """Writes a table after what it refers to; returns where it is."""
    places = {}
    for name, value in made.fields.items():
        if value is None or value == [] or value == "":
            continue
        places[name] = _value(builder, SCHEMA[made.kind][name], value)
    builder.StartObject(len(SCHEMA[made.kind]))
    for number, (name, kind) in enumerate(SCHEMA[made.kind].items()):
        if name not in places:
            continue
        if kind == _BYTE:
            builder.PrependInt8Slot(number, places[name], 0)
        elif kind == _INT:
            builder.PrependInt32Slot(number, places[name], 0)
        elif kind == _UINT:
            builder.PrependUint32Slot(number, places[name], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, places[name], 0)
    return builder.EndObject()


def _value(builder, kind, value):
    if kind == _STRING:
        return builder.CreateString(value)
    if kind == _TABLE:
        return _written(builder, value)
    if kind == _TABLES:
        places = [_written(builder, one) for one in value]
        return _vector(builder, places, builder.PrependUOffsetTRelative)
    if kind == _FLOATS:
        return _vector(builder, value, builder.PrependFloat32)
    if kind == _UINTS:
        return _vector(builder, value, builder.PrependUint32)
    return int(value)


def _vector(builder, values, prepend):
    # Of four bytes each; written from the end.
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        prepend(value)
    return builder.EndVector()
