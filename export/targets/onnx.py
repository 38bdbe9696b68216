"""ONNX, by Keras's exporter."""

from export.targets.target import PLAIN, ExportTarget

ONNX = ExportTarget(
    name="onnx",
    title="ONNX",
    file="model.onnx",
    write="export.formats.onnx_model:write",
    runner="export.runtime.file_runners:OnnxRunner",
    library=("onnxruntime", "onnxruntime"),
    packages={
        "onnx": "onnx",
        "onnxruntime": "onnxruntime",
        "tf2onnx": "tf2onnx",
    },
    rewrites=(*PLAIN, "pad_channels"),
    runtime="ONNX Runtime and others",
    example="""\
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
(answers,) = session.run(None, {{session.get_inputs()[0].name: images}})""",
)
