"""Detectors as files: SavedModel and LiteRT."""
