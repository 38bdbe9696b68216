"""LiteRT, formerly TensorFlow Lite."""

from export.targets.target import PLAIN, ExportTarget

LITERT = ExportTarget(
    name="litert",
    title="LiteRT",
    file="model.tflite",
    write="export.formats.litert:write",
    runner="export.runtime.file_runners:LitertRunner",
    library=("ai-edge-litert", "ai_edge_litert.interpreter"),
    packages={
        "ai-edge-litert": "ai_edge_litert",
        "ai-edge-quantizer": "ai_edge_quantizer",
    },
    quantizations=("none", "float16", "dynamic", "int8"),
    batch="1",
    rewrites=(*PLAIN, "split_large_depthwise", "nest_concats"),
    more_rewrites={
        "int8": ("average_pools_as_depthwise", "split_hard_swish"),
    },
    example="""\
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("{file}")
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
interpreter.invoke()
answers = interpreter.get_tensor(
    interpreter.get_output_details()[0]["index"])""",
)
