"""The network that a training job leaves."""

from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.variables import named_variables


def for_inference(config: dict, weights: dict) -> NASNet:
    """A network with its softmax, in float32, without the auxiliary head.

    It is what a job saves.

    Args:
        config: of the network as it was trained: `NASNet.get_config()`.
        weights: arrays by the names of `named_variables`.
    """
    network = NASNet.from_config(
        config
        | {
            "classifier_activation": "softmax",
            "auxiliary_head": False,
            "rematerialize": False,
            "synchronized_batch_norm": False,
            "dtype": "float32",
            "frozen_layers": (),
        }
    )
    for name, variable in named_variables(network).items():
        variable.assign(weights[name])
    return network
