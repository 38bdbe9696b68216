"""A detector's variables in a checkpoint of Model Garden's trainer."""

from collections.abc import Iterator, Mapping

import tensorflow as tf
import tf_keras

from nasnet_tf.networks.folding import folded_value

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# Of `Keras3Model`.
_WRAPPED = "/variables_by_name/"


def variables_by_path(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """Variables by their names in a checkpoint with the key `model`."""
    # A view keeps no hold of it.
    checkpoint = tf.train.Checkpoint(model=model)
    view = tf.train.TrackableView(checkpoint)
    found, seen, layer = {}, set(), [("", checkpoint)]
    # Layer by layer, for the name is the shortest path.
    while layer:
        below = []
        for path, node in layer:
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, tf.Variable):
                found[path] = node
            for name, child in view.children(node).items():
                below.append((f"{path}/{_escaped(name)}".lstrip("/"), child))
        layer = below
    return {name: v for name, v in found.items() if name.startswith("model/")}


class SavedVariables(Mapping):
    """The values of a checkpoint by path, read when they are asked for.

    Args:
        path: of the checkpoint, without suffix.

    Raises:
        tf.errors.OpError, ValueError, RuntimeError: it cannot be read.
    """

    def __init__(self, path: str):
        self._reader = tf.train.load_checkpoint(path)
        shapes = self._reader.get_variable_to_shape_map()
        self.shapes = {
            name.removesuffix(_SUFFIX): shape
            for name, shape in shapes.items()
            if name.endswith(_SUFFIX)
        }

    def __getitem__(self, path: str):
        if path not in self.shapes:
            raise KeyError(path)
        return self._reader.get_tensor(path + _SUFFIX)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


class _NetworkVariables(Mapping):
    """Those of the wrapped network, by our names."""

    def __init__(self, saved: SavedVariables):
        self._saved = saved
        self._paths = {
            path.partition(_WRAPPED)[2]: path
            for path in saved
            if _WRAPPED in path
        }

    def __getitem__(self, name: str):
        return self._saved[self._paths[_escaped(name)]]

    def __contains__(self, name) -> bool:
        return _escaped(name) in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def assign_saved(model: tf_keras.Model, saved: SavedVariables) -> None:
    """Sets all variables of a model; those of a folded network are folded.

    Raises:
        KeyError, ValueError: it is another network's.
    """
    network = getattr(model.backbone, "network", None)
    config = network.get_config() if network is not None else {}
    sources = _NetworkVariables(saved)
    for path, variable in variables_by_path(model).items():
        wrapped = path.partition(_WRAPPED)[2]
        if wrapped and config["folded"]:
            value = folded_value(
                _plain(wrapped), sources, config["batch_norm_epsilon"]
            )
        else:
            value = saved[path]
        variable.assign(value)


def _escaped(name: str) -> str:
    """As TensorFlow writes a name in a path."""
    return name.replace(".", "..").replace("/", ".S")


def _plain(name: str) -> str:
    return name.replace(".S", "/").replace("..", ".")
