"""Run by MediaPipe's Python: what its ImageClassifier says of files.

Takes an image and files as arguments; prints, by file, the scores and names
by class and the metadata, or the error.
"""

import json
import pathlib
import sys
import zipfile

import mediapipe
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata
from mediapipe.tasks.metadata import schema_py_generated as schema
from mediapipe.tasks.python import BaseOptions, vision


def classified(path, image):
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=path)
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        (head,) = classifier.classify(image).classifications
    by_class = sorted(head.categories, key=lambda category: category.index)
    return {
        "scores": [category.score for category in by_class],
        "names": [category.category_name for category in by_class],
    }


def plain(value):
    """The tables of a flatbuffer as dictionaries."""
    if hasattr(value, "__dict__"):
        return {name: plain(each) for name, each in vars(value).items()}
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def described(path):
    whole = pathlib.Path(path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole))
    (entry,) = model.metadata
    assert entry.name == b"TFLITE_METADATA"
    content = bytes(model.buffers[entry.buffer].data)
    assert metadata.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    root = metadata.ModelMetadata.GetRootAs(content)
    return plain(metadata.ModelMetadataT.InitFromObj(root))


def main(image, *paths):
    image = mediapipe.Image.create_from_file(image)
    found = {}
    for path in paths:
        found[path] = {"metadata": described(path), "files": {}}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    text = archive.read(name).decode()
                    found[path]["files"][name] = text
        try:
            found[path].update(classified(path, image))
        except Exception as error:
            found[path]["error"] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
