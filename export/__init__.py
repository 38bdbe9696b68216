"""Export to SavedModel, LiteRT and ONNX (not built yet)."""
