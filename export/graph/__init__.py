"""The network that is exported, as plain operations."""

from export.graph.building import to_keras
from export.graph.graph import Graph, Node
from export.graph.reading import read_model
from export.graph.shapes import shapes

__all__ = ["Graph", "Node", "read_model", "shapes", "to_keras"]
