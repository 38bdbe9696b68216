"""The graph of Keras layers of a network, from its plan."""

import keras

from nasnet_tf.layers import Dropout, NASNetCell, ScheduledDropPath
from nasnet_tf.layers.convolution import batch_norm, conv
from nasnet_tf.networks.auxiliary import auxiliary_head


class GraphBuilder:
    """Builds the layers of a plan and calls them in order.

    Args:
        config: the arguments of `NASNet`, checked.
        genotype: a `Genotype`.
        plan: its `Plan`.
        policy: the dtype policy of the layers.
    """

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
        """The outputs of the network for `images`, a Keras tensor."""
        name = self.plan.stem_layer
        self.outputs[name] = [self._stem(images, name)]
        self._cells(images)
        features = self._final_activation()
        if not self.config["include_top"]:
            return self._pooled(features)
        predictions = self._classifier(features)
        if not self.config["auxiliary_head"]:
            return predictions
        # Not the shared ReLU: two cells read it, and TensorFlow adds three
        # gradients in an order that changes from run to run.
        features = keras.layers.ReLU(name="aux_relu", **self.policy)(
            self.outputs[self.plan.auxiliary_cell][0]
        )
        logits = auxiliary_head(
            features,
            self.config["classes"],
            self.batch_norm_options,
            self.policy,
        )
        return {
            "predictions": predictions,
            "aux_predictions": self._predictions("aux_predictions", logits),
        }

    def _stem(self, images, name):
        options: dict[str, int | str] = {"strides": 1}
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
        factors: list[list] = [[]] * len(layers)
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
            x = Dropout(
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
        in_float64 = self.policy["dtype"].compute_dtype == "float64"
        return keras.layers.Activation(
            self.config["classifier_activation"] or "linear",
            dtype="float64" if in_float64 else "float32",
            name=name,
        )(logits)
