"""LiteRT (TFLite) files: written, and quantised."""
