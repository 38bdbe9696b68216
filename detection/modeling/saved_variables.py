"""A detector's variables in a checkpoint of Model Garden's trainer."""

import functools
from collections.abc import Iterator, Mapping

import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import trackable_object_graph_pb2

from nasnet_tf.networks.folding import folded_value

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
# Of `Keras3Model`: its variables by our names.
_WRAPPED = "variables_by_name"

# The attributes that lead from the model to a variable.
Path = tuple[str, ...]


def variables_by_path(model: tf_keras.Model) -> dict[Path, tf.Variable]:
    """A model's variables by the shortest path to them."""
    view = tf.train.TrackableView(model)
    found: dict[Path, tf.Variable] = {}
    seen: set[int] = set()
    layer: list[tuple[Path, object]] = [((), model)]
    while layer:
        below = []
        for path, node in layer:
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, tf.Variable):
                found[path] = node
            for name, child in view.children(node).items():
                below.append(((*path, name), child))
        layer = below
    return found


class SavedVariables:
    """The values of a checkpoint's model by path, read when asked for.

    Names in a checkpoint are of whatever leads to a variable first, such as an
    optimizer; its graph has every path.

    Args:
        path: of the checkpoint, without suffix.

    Raises:
        tf.errors.OpError, ValueError, RuntimeError: it cannot be read.
    """

    def __init__(self, path: str):
        self._reader = tf.train.load_checkpoint(path)
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        if self._reader.has_tensor(_GRAPH):
            graph.ParseFromString(self._reader.get_tensor(_GRAPH))
        self._children = [
            {child.local_name: child.node_id for child in node.children}
            for node in graph.nodes
        ]
        self._keys = [
            {value.name: value.checkpoint_key for value in node.attributes}
            for node in graph.nodes
        ]
        self._shapes = self._reader.get_variable_to_shape_map()

    def shape(self, path: Path) -> list[int] | None:
        """The shape of a variable; None without it."""
        key = self._key(path)
        return None if key is None else self._shapes[key]

    def value(self, path: Path):
        """The value of a variable.

        Raises:
            KeyError: there is none.
        """
        key = self._key(path)
        if key is None:
            raise KeyError("/".join(path))
        return self._reader.get_tensor(key)

    def network(self) -> Mapping:
        """The values of the wrapped networks, by our names."""
        found = {}
        for children in self._children:
            if (node := children.get(_WRAPPED)) is not None:
                for name, child in self._children[node].items():
                    if key := self._keys[child].get(_VALUE):
                        found[name] = key
        return _Values(self._reader, found)

    @functools.cached_property
    def _model(self):
        return self._children[0].get("model") if self._children else None

    def _key(self, path):
        node = self._model
        for name in path:
            if node is None:
                return None
            node = self._children[node].get(name)
        return None if node is None else self._keys[node].get(_VALUE)


class _Values(Mapping):
    def __init__(self, reader, keys):
        self._reader, self._keys = reader, keys

    def __getitem__(self, name: str):
        return self._reader.get_tensor(self._keys[name])

    def __contains__(self, name) -> bool:
        # Else a tensor would be read to see whether it is there.
        return name in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def assign_saved(model: tf_keras.Model, saved: SavedVariables) -> None:
    """Sets all variables of a model; those of a folded network are folded.

    Raises:
        KeyError, ValueError: it is another network's.
    """
    network = getattr(model.backbone, "network", None)
    config = network.get_config() if network is not None else {}
    sources = saved.network()
    for path, variable in variables_by_path(model).items():
        if _WRAPPED in path and config["folded"]:
            value = folded_value(
                path[-1], sources, config["batch_norm_epsilon"]
            )
        else:
            value = saved.value(path)
        variable.assign(value)
