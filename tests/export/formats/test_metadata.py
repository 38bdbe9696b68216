"""What MediaPipe reads in it is in tests/export/readers."""

import io
import zipfile

import pytest
from ai_edge_litert import schema_py_generated as schema

from export.formats.litert.metadata import (
    image_tensor,
    scores_tensor,
    with_metadata,
)
from export.formats.litert.metadata_schema import table
from export.formats.litert.writer import write_litert
from export.graph import read_model
from tests.export.exported_files import small_network, some_images
from tests.export.exported_graphs import run_litert

LABELS = ["Bär", "wild cat", "crane", "crane"]


@pytest.fixture(scope="module")
def plain():
    return write_litert(read_model(small_network()))


def described(content, labels):
    return with_metadata(
        content,
        "small",
        "Four classes.",
        [image_tensor("image", "", 3, ((127.5,), (127.5,)))],
        [scores_tensor("score", "", labels is not None)],
        labels,
    )


def test_the_network_stays_as_it_was(plain):
    made = described(plain, LABELS)
    images = some_images()
    assert (run_litert(made, images) == run_litert(plain, images)).all()
    assert made == described(plain, LABELS)


def test_labels_are_a_file_in_it(plain):
    with zipfile.ZipFile(io.BytesIO(described(plain, LABELS))) as archive:
        (entry,) = archive.infolist()
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.filename == "labels.txt"
        assert archive.read(entry).decode() == "\n".join(LABELS) + "\n"
    assert not zipfile.is_zipfile(io.BytesIO(described(plain, None)))


def test_metadata_has_the_identifier_of_its_schema(plain):
    model = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs(described(plain, None))
    )
    (entry,) = model.metadata
    assert entry.name == b"TFLITE_METADATA"
    assert bytes(model.buffers[entry.buffer].data[4:8]) == b"M001"


def test_unknown_fields():
    with pytest.raises(KeyError, match="ImageSize has no depth"):
        table("ImageSize", depth=3)
