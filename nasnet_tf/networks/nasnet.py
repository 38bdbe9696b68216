"""The NASNet model: any genotype, stacked from a plan."""

import copy

import keras

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.cells.plan import make_plan
from nasnet_tf.checks.arguments import (
    check_choice,
    check_flag,
    check_input_shape,
    check_integer,
    check_number,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.networks.graph import GraphBuilder
from nasnet_tf.networks.saved_folder import save_folder

PREPROCESSINGS = ("scale", "whitening")
# Of TF-slim's batch norms, by stem.
USUAL_MOMENTUM = {"imagenet": 0.9997, "cifar": 0.9}
# What `_check` holds the arguments to.
CHOICES = {
    "padding": ("same", "keras"),
    "pooling": (None, "avg", "max"),
    "preprocessing": PREPROCESSINGS,
}
FLAGS = (
    "skip_reduction_layer_input",
    "include_top",
    "auxiliary_head",
    "rematerialize",
    "synchronized_batch_norm",
    "folded",
)
NUMBERS = {
    "dropout_rate": "[0, 1)",
    "drop_path_keep_prob": "(0, 1]",
    "batch_norm_momentum": "[0, 1]",
    "batch_norm_epsilon": "(0, 1]",
}


@keras.saving.register_keras_serializable("nasnet_tf")
class NASNet(keras.Model):
    """A NASNet of any genotype (paper, section 2 and App. A).

    The network is stacked from a plan of cells, strides and filters, never
    from sizes of tensors: any input size from 32 up, odd, even or unknown,
    gives the same network.

    Args:
        genotype: a `Genotype`, its dict, `"NASNET_A"`, `"NASNET_B"`,
            `"NASNET_C"`, or the path of a genotype `.json` file.
        num_cells: N, normal cells in each of the three groups.
        penultimate_filters: P of the notation N @ P. F, the filters of the
            first group, is P over the genotype's divisor.
        stem: `"imagenet"` (a stride-2 convolution and two reduction cells) or
            `"cifar"` (a stride-1 convolution).
        stem_multiplier: the stem's convolution has 32 (imagenet) or F (cifar)
            times this many filters.
        skip_reduction_layer_input: see `nasnet_tf.cells.plan.make_plan`; on in
            NASNet-A large.
        input_shape: `(height, width, channels)`; height and width 32 or more
            or None.
        input_tensor: a `keras.Input` to use in place of `input_shape`.
        include_top: whether global average pooling, dropout and the
            classifier follow the last ReLU.
        pooling: without the top: None, `"avg"` or `"max"`.
        classes: classes of the classifier.
        classifier_activation: activation of `predictions`; None for logits.
        dropout_rate: dropout before the classifier.
        drop_path_keep_prob: keep probability of ScheduledDropPath in the last
            cell; 1 turns it off. See `ScheduledDropPath`.
        drop_path_total_steps: training steps over which it sets in.
        seed: of drop path and dropout.
        auxiliary_head: add the auxiliary classifier on the last cell before
            the second reduction. The output is then the dict `predictions`,
            `aux_predictions`. Needs a fixed input size.
        rematerialize: recompute each cell in the backward pass.
        padding: `"same"`: pools as in the network that the published weights
            were trained in; `"keras"`: those of stride 2 see zeros past the
            border, as in `keras.applications`.
        batch_norm_momentum: decay of the moving statistics, which look back
            over 1 / (1 - momentum) steps. None: 0.9 with the cifar stem and
            0.9997 with the imagenet stem, as TF-slim has them. A network that
            is trained for fewer than 20 times that many steps needs a lower
            one, or `nasnet_tf.recalibrate_batch_norm` and, under `fit`,
            `nasnet_tf.RecalibrateBatchNorm`: else it learns in training and
            reads its own images at chance in evaluation.
        batch_norm_epsilon: added to variances.
        synchronized_batch_norm: statistics over all replicas of a strategy.
        folded: convolutions with biases and no batch norm: what
            `nasnet_tf.fold_batch_norm` returns.
        preprocessing: how `nasnet_tf.preprocess_input` scales this model's
            images: `"scale"` or `"whitening"`; kept with the model.
        image_reading: which part of an image file the model was trained to
            read; an `ImageReading` or its dict, kept with the model. None:
            not known, see `nasnet_tf.images.image_reading.image_reading`.
        class_names: names of the classes; kept with the model.
        dtype: dtype policy of the layers, such as `"mixed_bfloat16"`.
        name: of the model.

    Outputs: `(batch, classes)`, or the last feature map `(batch, height,
    width, channels)` at stride 32 (imagenet) or 4 (cifar), or pooled.

    Raises:
        InputError: an argument is bad; says which, its value and the remedy.

    Example:
    >>> model = nasnet_tf.NASNet(
    ...     "NASNET_A", num_cells=2, penultimate_filters=192, stem="cifar",
    ...     input_shape=(32, 32, 3), classes=10)
    >>> model.end_points["cell_3"]
    """

    def __init__(
        self,
        genotype="NASNET_A",
        num_cells=4,
        penultimate_filters=1056,
        stem="imagenet",
        stem_multiplier=1,
        skip_reduction_layer_input=False,
        input_shape=(None, None, 3),
        input_tensor=None,
        include_top=True,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        dropout_rate=0.0,
        drop_path_keep_prob=1.0,
        drop_path_total_steps=None,
        seed=0,
        auxiliary_head=False,
        rematerialize=False,
        padding="same",
        batch_norm_momentum=None,
        batch_norm_epsilon=1e-3,
        synchronized_batch_norm=False,
        folded=False,
        preprocessing="scale",
        image_reading=None,
        class_names=None,
        dtype=None,
        name="nasnet",
        **unknown,
    ):
        config = {
            key: value
            for key, value in locals().items()
            if key not in ("self", "unknown", "__class__", "input_tensor")
        }
        # Taken in so that the error names the argument that is nearest.
        for key in unknown:
            check_choice("argument", key, config)
        if batch_norm_momentum is None:
            # An unknown stem is refused by `make_plan`.
            config["batch_norm_momentum"] = USUAL_MOMENTUM.get(stem, 0.9997)
        _check(config)
        genotype = get_genotype(genotype)
        # What is reduced with the CIFAR stem has twice F, which may be odd.
        filters = genotype.filters(
            penultimate_filters, multiple=4 if stem == "imagenet" else 1
        )
        plan = make_plan(
            genotype,
            num_cells,
            filters,
            stem=stem,
            stem_multiplier=stem_multiplier,
            skip_reduction_layer_input=skip_reduction_layer_input,
        )
        # === Layers ===
        policy = _dtype_policy(dtype)
        builder = GraphBuilder(config, genotype, plan, policy)

        # === Functional model ===
        input_tensor = _input(input_tensor, input_shape)
        outputs = builder.build(input_tensor)
        super().__init__(inputs=input_tensor, outputs=outputs, name=name)

        # === Config ===
        config["input_shape"] = tuple(input_tensor.shape[1:])
        config["genotype"] = genotype.to_dict()
        config["dtype"] = policy.name
        # Past Keras, which would track it: to copy it is then to copy models.
        object.__setattr__(self, "_config", config)
        self.genotype = genotype
        self.plan = plan
        self.preprocessing = preprocessing
        self.image_reading = ImageReading.of(image_reading)
        self.class_names = None if class_names is None else list(class_names)

    @property
    def end_points(self) -> dict:
        """The tensors of the network by name, as slim names them.

        `conv0`, `cell_stem_0`, `cell_stem_1` (imagenet), `stem`, `cell_0`..,
        `reduction_cell_0`.., `global_pool`, `logits`, `predictions`,
        `aux_logits`. Cells with several outputs give a list.
        """
        layers = {layer.name: layer for layer in self.layers}
        stem = self.plan.stem_layer
        normed = stem if self._config["folded"] else f"{stem}_norm"
        points = {stem: layers[normed].output}
        for cell in self.plan.cells:
            points[cell.name] = layers[cell.name].output
            if cell.name == self.plan.stem_output:
                points["stem"] = points[cell.name]
        for name in ("aux_logits", "global_pool", "logits", "predictions"):
            if name in layers:
                points[name] = layers[name].output
        return points

    def save_to_preset(self, out, overwrite=False):
        """Writes a folder that `nasnet_tf.from_preset` reads, whole or not.

        It holds `config.json`, `model.weights.h5` and `README.md`, a model
        card with the header of the Hugging Face hub. Which layers are frozen
        is not kept.

        Args:
            out: the folder; folders above it are made.
            overwrite: replace an earlier one.

        Returns:
            The absolute path.

        Raises:
            InputError: the model is quantised, or it cannot be written.
        """
        return save_folder(self, out, overwrite)

    def get_config(self):
        frozen = [
            layer.name
            for layer in self.layers
            if not layer.trainable and layer.variables
        ]
        reading = ImageReading.of(self.image_reading)
        quantized = {
            layer.name: keras.saving.serialize_keras_object(
                layer.quantization_config
            )
            for layer in self.layers
            if getattr(layer, "quantization_mode", None)
        }
        return {
            **copy.deepcopy(self._config),
            "preprocessing": self.preprocessing,
            "image_reading": reading and reading.to_dict(),
            # A plain list: Keras's own would bring the model along in a copy.
            "class_names": self.class_names and list(self.class_names),
            "frozen_layers": frozen,
            # Left out where there are none: older versions read such files.
            **({"quantized_layers": quantized} if quantized else {}),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        quantized = config.pop("quantized_layers", {})
        model = cls(**config)
        for layer in model.layers:
            if layer.name in quantized:
                layer.quantize(
                    config=keras.saving.deserialize_keras_object(
                        quantized[layer.name]
                    )
                )
        for name in frozen:
            model.get_layer(name).trainable = False
        return model


def check_nasnet(model):
    """Raises `InputError` unless `model` is a `NASNet`."""
    if not isinstance(model, NASNet):
        raise InputError(
            f"model: {type(model).__name__} {getattr(model, 'name', '')!r} is "
            "no nasnet_tf.NASNet; where it holds one, take it from there: "
            "model.get_layer(name)"
        )


def _check(config):
    """Raises `InputError` for the first argument that is bad."""
    for key, choices in CHOICES.items():
        check_choice(key, config[key], choices)
    for key in FLAGS:
        check_flag(key, config[key])
    for key, interval in NUMBERS.items():
        check_number(key, config[key], interval)
    ImageReading.of(config["image_reading"])
    check_integer("seed", config["seed"], least=0)
    # Slashes part a layer's name from a variable's.
    if not isinstance(config["name"], str) or "/" in config["name"]:
        raise InputError(
            f"name: {config['name']!r} is not a text without slashes"
        )
    if config["include_top"]:
        _check_classes(config["classes"], config["class_names"])
    elif config["auxiliary_head"]:
        raise InputError(
            "auxiliary_head: True with include_top=False; it is a second "
            "classifier, so keep the top or turn it off"
        )
    steps = config["drop_path_total_steps"]
    if config["drop_path_keep_prob"] < 1 and steps is None:
        raise InputError(
            "drop_path_total_steps: None with drop_path_keep_prob "
            f"{config['drop_path_keep_prob']}; give the number of training "
            "steps over which drop path sets in"
        )
    if steps is not None:
        check_integer("drop_path_total_steps", steps)
    try:
        keras.activations.get(config["classifier_activation"])
    except ValueError:
        raise InputError(
            f"classifier_activation: {config['classifier_activation']!r} is "
            "unknown; give 'softmax', or None for logits"
        ) from None


def _check_classes(classes, class_names):
    check_integer("classes", classes)
    if class_names is not None and len(class_names) != classes:
        raise InputError(
            f"class_names: {len(class_names)} names for {classes} classes; "
            "give one for each"
        )


def _dtype_policy(dtype):
    try:
        return keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    except (ValueError, TypeError):
        raise InputError(
            f"dtype: {dtype!r} is unknown; give a policy such as 'float32', "
            "'mixed_float16' or 'mixed_bfloat16'"
        ) from None


def _input(input_tensor, input_shape):
    """The network's input: a new one, or the given one, checked."""
    if input_tensor is None:
        check_input_shape(input_shape)
        return keras.Input(input_shape, name="images")
    history = getattr(input_tensor, "_keras_history", None)
    if history is None or not isinstance(
        history.operation, keras.layers.InputLayer
    ):
        raise InputError(
            f"input_tensor: {type(input_tensor).__name__} is not a "
            "keras.Input; build the network without it and call it on the "
            "tensor"
        )
    check_input_shape(tuple(input_tensor.shape[1:]))
    return input_tensor
