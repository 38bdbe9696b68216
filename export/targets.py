"""What can be written, by name: the part that a command needs for its flags."""

# What each format writes into the export's folder.
FILES = {
    "saved_model": "saved_model",
    "litert": "model.tflite",
    "onnx": "model.onnx",
}
# By the name that each is imported by.
PACKAGES = {
    "saved_model": {},
    "litert": {
        "ai-edge-litert": "ai_edge_litert",
        "ai-edge-quantizer": "ai_edge_quantizer",
    },
    "onnx": {
        "onnx": "onnx",
        "onnxruntime": "onnxruntime",
        "tf2onnx": "tf2onnx",
    },
}
INPUT_TYPES = ("float32", "uint8")
