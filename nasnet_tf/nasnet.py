"""The NASNet model: any genotype, stacked from a plan."""

import keras

from nasnet_tf.auxiliary import auxiliary_head
from nasnet_tf.errors import InputError
from nasnet_tf.genotype import check_choice
from nasnet_tf.genotypes import get_genotype
from nasnet_tf.layers import NASNetCell, ScheduledDropPath
from nasnet_tf.layers.convolution import batch_norm, conv
from nasnet_tf.plan import make_plan

PADDINGS = ("same", "keras")
POOLINGS = (None, "avg", "max")
MIN_SIZE = 32


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
        skip_reduction_layer_input: see `nasnet_tf.plan.make_plan`; on in
            NASNet-A large.
        input_shape: `(height, width, channels)`; height and width 32 or more
            or None.
        input_tensor: a `keras.Input` to use as the input.
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
        batch_norm_momentum: decay of the moving statistics.
        batch_norm_epsilon: added to variances.
        synchronized_batch_norm: statistics over all replicas of a strategy.
        folded: convolutions with biases and no batch norm: what
            `nasnet_tf.fold_batch_norm` returns.
        preprocessing: how `nasnet_tf.preprocess_input` scales this model's
            images: `"scale"` or `"whitening"`; kept with the model.
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
        batch_norm_momentum=0.9997,
        batch_norm_epsilon=1e-3,
        synchronized_batch_norm=False,
        folded=False,
        preprocessing="scale",
        class_names=None,
        dtype=None,
        name="nasnet",
        **kwargs,
    ):
        config = {
            key: value
            for key, value in locals().items()
            if key not in ("self", "kwargs", "__class__", "input_tensor")
        }
        check_choice("padding", padding, PADDINGS)
        check_choice("pooling", pooling, POOLINGS)
        check_choice("preprocessing", preprocessing, ("scale", "whitening"))
        if include_top:
            _check_classes(classes, class_names)
        genotype = get_genotype(genotype)
        filters = genotype.filters(
            penultimate_filters, multiple=4 if stem == "imagenet" else 2
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
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        builder = _Builder(config, genotype, plan, policy)

        # === Functional model ===
        if input_tensor is not None:
            input_shape = tuple(input_tensor.shape[1:])
        check_input_shape(input_shape)
        if input_tensor is None:
            input_tensor = keras.Input(input_shape, name="images")
        config["input_shape"] = tuple(input_tensor.shape[1:])
        outputs = builder.build(input_tensor)
        super().__init__(
            inputs=input_tensor, outputs=outputs, name=name, **kwargs
        )

        # === Config ===
        config["genotype"] = genotype.to_dict()
        config["dtype"] = policy.name
        self._config = config
        self.genotype = genotype
        self.plan = plan
        self.preprocessing = preprocessing
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

    def get_config(self):
        return dict(self._config)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def _check_classes(classes, class_names):
    if not isinstance(classes, int) or classes < 1:
        raise InputError(f"classes: {classes!r} is not a positive integer")
    if class_names is not None and len(class_names) != classes:
        raise InputError(
            f"class_names: {len(class_names)} names for {classes} classes; "
            "give one for each"
        )


def check_input_shape(input_shape):
    """Raises `InputError` unless `(height, width, channels)` can be read."""
    shape = tuple(input_shape)
    if len(shape) != 3:
        raise InputError(
            f"input_shape: {shape} is not (height, width, channels)"
        )
    if keras.config.image_data_format() != "channels_last" or (
        shape[0] in (1, 3) and shape[2] not in (1, 3, 4)
    ):
        raise InputError(
            f"input_shape: {shape} with data format "
            f"{keras.config.image_data_format()!r}: NASNet reads channels_last "
            "only; give (height, width, channels) and call "
            "keras.config.set_image_data_format('channels_last')"
        )
    if any(n is not None and n < MIN_SIZE for n in shape[:2]):
        raise InputError(
            f"input_shape: {shape} is too small; height and width must be "
            f"{MIN_SIZE} or more, or None"
        )
    if not shape[2]:
        raise InputError(
            f"input_shape: {shape} must give the number of channels"
        )


class _Builder:
    """Turns a plan into a graph of Keras layers."""

    def __init__(self, config, genotype, plan, policy):
        self.config = config
        self.genotype = genotype
        self.plan = plan
        self.policy = {"dtype": policy}
        self.batch_norm_options = {
            "momentum": config["batch_norm_momentum"],
            "epsilon": config["batch_norm_epsilon"],
            "synchronized": config["synchronized_batch_norm"],
        }
        self.outputs = {}
        self.activated = {}

    def build(self, images):
        name = self.plan.stem_layer
        self.outputs[name] = [self._stem(images, name)]
        self._cells(images)
        features = self._final_activation()
        if not self.config["include_top"]:
            return self._pooled(features)
        predictions = self._classifier(features)
        if not self.config["auxiliary_head"]:
            return predictions
        name = self.plan.auxiliary_cell
        logits = auxiliary_head(
            self._activation(name, 0),
            self.config["classes"],
            self.batch_norm_options,
            self.policy,
        )
        return {
            "predictions": predictions,
            "aux_predictions": self._predictions("aux_predictions", logits),
        }

    def _stem(self, images, name):
        options = {"strides": 1}
        if self.plan.stem == "imagenet":
            options = {"strides": 2, "padding": "valid"}
        folded = self.config["folded"]
        x = conv(
            self.plan.stem_filters,
            3,
            use_bias=folded,
            name=name,
            **options,
            **self.policy,
        )(images)
        if folded:
            return x
        return batch_norm(
            self.batch_norm_options, name=f"{name}_norm", **self.policy
        )(x)

    def _cells(self, images):
        layers = [self._cell(planned) for planned in self.plan.cells]
        factors = [[]] * len(layers)
        if self.config["drop_path_keep_prob"] < 1:
            factors = [[f] for f in self._drop_path(layers)(images)]
        for planned, layer, factor in zip(
            self.plan.cells, layers, factors, strict=True
        ):
            states = [
                self._activation(state.layer, state.output)
                if activated
                else self.outputs[state.layer][state.output]
                for state, activated in zip(
                    planned.inputs, planned.activated, strict=True
                )
            ]
            outputs = layer(states + factor)
            several = isinstance(outputs, (list, tuple))
            self.outputs[planned.name] = outputs if several else [outputs]

    def _cell(self, planned):
        config = self.config
        return NASNetCell(
            planned.cell,
            planned.filters,
            strides=planned.stride,
            projected=planned.projected,
            halvings=planned.halvings,
            bottleneck=self.genotype.bottleneck,
            padding=config["padding"],
            drop_path=config["drop_path_keep_prob"] < 1,
            rematerialize=config["rematerialize"],
            folded=config["folded"],
            batch_norm_options=self.batch_norm_options,
            name=planned.name,
            **self.policy,
        )

    def _drop_path(self, layers):
        if self.config["drop_path_total_steps"] is None:
            raise InputError(
                "drop_path_total_steps: None with drop_path_keep_prob "
                f"{self.config['drop_path_keep_prob']}; give the number of "
                "training steps over which drop path sets in"
            )
        return ScheduledDropPath(
            [planned.depth for planned in self.plan.cells],
            [layer.num_paths for layer in layers],
            self.config["drop_path_keep_prob"],
            self.config["drop_path_total_steps"],
            seed=self.config["seed"],
            name="drop_path",
            **self.policy,
        )

    def _activation(self, name, output):
        """The ReLU of a state, one layer for all the cells that read it."""
        key = f"{name}_relu_{output}" if output else f"{name}_relu"
        if key not in self.activated:
            relu = keras.layers.ReLU(name=key, **self.policy)
            self.activated[key] = relu(self.outputs[name][output])
        return self.activated[key]

    def _final_activation(self):
        name = self.plan.cells[-1].name
        outputs = self.outputs[name]
        activated = [self._activation(name, n) for n in range(len(outputs))]
        if len(activated) == 1:
            return activated[0]
        return keras.layers.Concatenate(name="concatenated", **self.policy)(
            activated
        )

    def _pooled(self, features):
        pooling = self.config["pooling"]
        if pooling is None:
            return features
        layer = {
            "avg": keras.layers.GlobalAveragePooling2D,
            "max": keras.layers.GlobalMaxPooling2D,
        }[pooling]
        return layer(name="global_pool", **self.policy)(features)

    def _classifier(self, features):
        x = keras.layers.GlobalAveragePooling2D(
            name="global_pool", **self.policy
        )(features)
        if self.config["dropout_rate"]:
            x = keras.layers.Dropout(
                self.config["dropout_rate"],
                seed=self.config["seed"],
                name="dropout",
                **self.policy,
            )(x)
        logits = keras.layers.Dense(
            self.config["classes"], name="logits", **self.policy
        )(x)
        return self._predictions("predictions", logits)

    def _predictions(self, name, logits):
        # In float32 under mixed precision too: a softmax in float16 is coarse.
        return keras.layers.Activation(
            self.config["classifier_activation"] or "linear",
            dtype="float32",
            name=name,
        )(logits)
