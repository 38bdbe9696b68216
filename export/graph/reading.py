"""Takes a Keras classifier apart into a `Graph`."""

import keras

from export.graph.graph import Graph, Node
from export.graph.layers import LAYERS, OPERATIONS
from export.graph.parts import Parts
from export.graph.pixels import HALF
from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError

OUTPUT = "predictions"


def read_model(model: keras.Model, image_size=None) -> Graph:
    """The network of a Keras model at inference, as plain operations.

    Cells and other composite layers are taken apart by calling them on
    symbolic tensors, so what is read is what they compute. Dropout, drop path
    and an auxiliary head, which inference does not use, are left behind.

    Args:
        model: a functional model of one image `(height, width, channels)`; a
            `NASNet` or another convolutional network. Of several outputs the
            one named `"predictions"` is read.
        image_size: pixels, or `(height, width)`, where the model leaves its
            size open.

    Raises:
        InputError: the size is open and none is given, or differs from the
            model's; the model has several inputs; or it has a layer that is
            not made of the operations in `export.graph.shapes`.
    """
    _check_functional(model)
    shape = (*_image_size(model, image_size), model.input_shape[-1])
    images = keras.Input(shape, name="images")
    output = _one_output(model, model.call(images, training=False))
    return _Reader(images, model, output).graph()


def _check_functional(model):
    if not isinstance(model, keras.Model) or not hasattr(model, "inputs"):
        kind = type(model).__name__
        raise InputError(f"model: {kind} is no functional keras.Model")
    if not model.inputs or len(model.inputs) != 1:
        count = len(model.inputs or ())
        raise InputError(
            f"model: {model.name} has {count} inputs; export needs one image"
        )
    if len(model.inputs[0].shape) != 4:
        raise InputError(
            f"model: {model.name} reads {model.inputs[0].shape}; export needs "
            "images (height, width, channels)"
        )


def _image_size(model, image_size):
    height, width = model.inputs[0].shape[1:3]
    if image_size is None:
        if height is None or width is None:
            raise InputError(
                f"image_size: none given and {model.name} reads images of any "
                "size; give one, such as --image_size=224"
            )
        return height, width
    given = image_size
    if not isinstance(given, (tuple, list)):
        given = (given, given)
    for size in given:
        check_integer("image_size", size)
    for own, size in zip((height, width), given, strict=True):
        if own not in (None, size):
            raise InputError(
                f"image_size: {given[0]}x{given[1]}, but {model.name} reads "
                f"{height}x{width}; leave it out"
            )
    return tuple(given)


def _one_output(model, outputs):
    if isinstance(outputs, dict):
        if OUTPUT not in outputs:
            raise InputError(
                f"model: {model.name} has the outputs {', '.join(outputs)}; "
                f"export needs one, or one of them named {OUTPUT}"
            )
        return outputs[OUTPUT]
    outputs = keras.tree.flatten(outputs)
    if len(outputs) != 1:
        raise InputError(
            f"model: {model.name} has {len(outputs)} outputs; export needs one"
        )
    return outputs[0]


class _Reader:
    """Follows symbolic tensors back to the input."""

    def __init__(self, images, model, output):
        self.name = model.name
        self.output = output
        self.paths = dict(_paths(model))
        shape = tuple(images.shape[1:])
        self.made = Graph(
            {"images": Node("input", options={"shape": shape})},
            "images",
            self.name,
        )
        # Node name of each tensor; the tensors are kept, so ids stay theirs.
        self.names = {id(images): "images"}
        self.expanded = {}
        self.kept = []
        # The layer in whose own call a tensor is made; None: the model's.
        self.owners = {id(output): None}

    def graph(self):
        self.made.output = self._name(self.output)
        graph = self.made.sorted()
        # The last is what others of them were made for.
        for name, node in reversed(graph.of(*HALF)):
            raise InputError(
                f"model: {self.name} has the operation {name} ({node.op}), "
                "which export knows as a part of preprocessing only; put it "
                "outside the exported model"
            )
        return graph

    def _name(self, tensor):
        """The node that computes `tensor`, made where it is not there yet."""
        # A list, for a network may be deeper than Python's stack.
        waiting = [tensor]
        while waiting:
            last = waiting[-1]
            missing = self._visit(last)
            for inner in missing:
                self.owners.setdefault(id(inner), self.owners[id(last)])
            waiting += missing
            if not missing:
                waiting.pop()
        return self.names[id(tensor)]

    def _visit(self, tensor):
        """Makes the node of `tensor`, or returns tensors to make first."""
        if id(tensor) in self.names:
            return []
        # Keras has no public way from a tensor to the call that made it.
        operation, index, position = tensor._keras_history
        call = operation._inbound_nodes[index]
        make = _maker(operation)
        if make is None:
            owner = self.owners[id(tensor)]
            for outer in call.input_tensors:
                self.owners.setdefault(id(outer), owner)
            inner = self._expand(operation, index, call, owner)[position]
            self.owners.setdefault(id(inner), operation)
            if id(inner) not in self.names:
                return [inner]
            self._remember(tensor, self.names[id(inner)])
            return []
        # Constants among the arguments are no tensors of ours.
        read = [t for t in call.input_tensors if hasattr(t, "_keras_history")]
        missing = [t for t in read if id(t) not in self.names]
        if not missing:
            inputs = [self.names[id(t)] for t in read]
            path = self.paths.get(id(operation))
            path = path or _parent(inputs) + operation.name
            shape = tuple(tensor.shape[1:])
            parts = Parts(operation, path, call.arguments, read, shape)
            name = make(self.made, inputs, parts)
            self._remember(tensor, name)
        return missing

    def _remember(self, tensor, name):
        self.kept.append(tensor)
        self.names[id(tensor)] = name

    def _expand(self, operation, index, call, owner):
        """What a composite layer's own call does, as symbolic tensors."""
        key = (id(operation), index)
        if key not in self.expanded:
            if not isinstance(operation, keras.layers.Layer):
                raise self._unknown(operation, owner)
            kwargs = dict(call.arguments.kwargs)
            kwargs.pop("training", None)
            if operation._call_has_training_arg:
                kwargs["training"] = False
            try:
                outputs = operation.call(*call.arguments.args, **kwargs)
            except Exception:  # Whatever a layer of others raises.
                raise self._unknown(operation, operation) from None
            self.expanded[key] = keras.tree.flatten(outputs)
        return self.expanded[key]

    def _unknown(self, operation, owner):
        kind = type(operation).__name__
        if owner is None:
            what = f"operation {operation.name} ({kind}), which export"
            remedy = "does not know"
        else:
            inside = "" if owner is operation else f", with {operation.name}"
            kind = type(owner).__name__
            what = f"layer {owner.name} ({kind}{inside}), which"
            remedy = "is not made of operations that export knows"
        return InputError(
            f"model: {self.name} has the {what} {remedy}; put it outside the "
            "exported model"
        )


def _paths(layer, prefix=""):
    """The name of each layer with those of the layers around it."""
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        path = prefix + inner.name
        yield id(inner), path
        yield from _paths(inner, f"{path}/")


def _parent(names):
    """What paths have in common, such as the name of their cell."""
    parents = [name.split("/")[:-1] for name in names]
    common = []
    for parts in zip(*parents, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(f"{parts[0]}/")
    return "".join(common)


def _maker(operation):
    for kind, make in LAYERS.items():
        if isinstance(operation, kind):
            own = type(operation).call is not kind.call
            ours = type(operation).__module__.startswith("nasnet_tf.")
            # What a subclass of others computes, only its call tells.
            return None if own and not ours else make
    if isinstance(operation, keras.layers.Layer):
        return None
    return OPERATIONS.get(type(operation).__name__)
