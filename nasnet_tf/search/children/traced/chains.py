"""Chains of convolutions: all operations but their first stage.

What `nasnet_tf.layers.Operation` builds, on values: convolution and batch
norm, then again with a ReLU between. A chain is traced once for all widths and
resolutions.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from nasnet_tf.layers.operation import Operation
from nasnet_tf.search.children.traced import norms


@dataclasses.dataclass(frozen=True)
class Link:
    """A convolution with its batch norm.

    Args:
        kind: `"conv"`, `"dilated_conv"` or `"separable_conv"`.
        size: `(height, width)` of the kernel.
        strides: `(vertical, horizontal)`.
    """

    kind: str
    size: tuple[int, int]
    strides: tuple[int, int]

    @property
    def separable(self) -> bool:
        return self.kind == "separable_conv"

    @property
    def kernels(self) -> tuple[str, ...]:
        """Names of its kernels."""
        if self.separable:
            return ("depthwise_kernel", "pointwise_kernel")
        return ("kernel",)

    def shapes(self, channels: int, filters: int) -> tuple:
        """Shapes of its kernels."""
        if self.separable:
            return (*self.size, channels, 1), (1, 1, channels, filters)
        return ((*self.size, channels, filters),)

    def depthwise(self, x, kernel):
        strides = [1, *self.strides, 1]
        return tf.nn.depthwise_conv2d(x, kernel, strides, "SAME")

    def convolve(self, x, kernel):
        """The convolution, or the pointwise one of a separable one."""
        if self.separable:
            return tf.nn.conv2d(x, kernel, 1, "VALID")
        if self.kind == "dilated_conv":
            return _dilated(x, kernel, self.size)
        return tf.nn.conv2d(x, kernel, self.strides, "SAME")


@dataclasses.dataclass(frozen=True)
class Chain:
    """Links in order; `subsamples`: every second pixel is left at the end."""

    links: tuple[Link, ...]
    subsamples: bool = False


# Asked for at every operation of every child.
@functools.cache
def chain_of(
    operation: str, channels: int, filters: int, strides: int, bottleneck: bool
) -> tuple[Chain | None, tuple[str, ...], tuple[int, ...]]:
    """The chain of an operation on a state of so many channels.

    Returns:
        The chain, None where there is none; the names of its layers; the
        channels before, between and after its links.
    """
    layer = Operation(operation, filters, strides, bottleneck)
    links, names, widths = [], [], [channels]
    steps = layer.steps(channels)
    for number, (make, size, width, step_strides) in enumerate(steps, 1):
        kind = make.__name__
        links.append(Link(kind, _pair(size), _pair(step_strides)))
        names.append(f"{kind}_{number}")
        widths.append(width)
    if not links:
        return None, (), (channels,)
    chain = Chain(tuple(links), layer.subsamples)
    return chain, tuple(names), tuple(widths)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def gradient(function, arguments, dy):
    """Gradients of a function that is linear in each argument.

    Its value is not needed for them, so TensorFlow does not compute it.
    """
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
    return tape.gradient(y, arguments, output_gradients=dy)


class ChainForward:
    """Runs a chain in training, and keeps what its gradient needs."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.fields = {"x": 1, "y": 1, **weight_fields(chain)}
        self.fields |= dict.fromkeys(residuals(chain), 1)
        self.fields["statistics"] = 1

    def run(self, frame):
        x, statistics = frame.get("x"), []
        for number, link in enumerate(self.chain.links):
            # The first ReLU is the operation's first stage, which others share.
            if number:
                x = tf.nn.relu(x)
                frame.put(f"a{number}", x)
            kernels, gamma, beta = link_weights(frame, number, link)
            if link.separable:
                x = link.depthwise(x, kernels[0])
                frame.put(f"d{number}", x)
            x = link.convolve(x, kernels[-1])
            frame.put(f"z{number}", x)
            x, moments, saved = norms.batch_norm(x, gamma, beta)
            frame.put(f"m{number}", saved[0])
            frame.put(f"v{number}", saved[1])
            statistics += moments
        if self.chain.subsamples:
            x = _subsampled(x)
        frame.put("y", x)
        frame.put("statistics", tf.concat(statistics, 0), to="statistics")


class ChainBackward:
    """The gradients of a chain."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.fields = {"dy": 1, "x": 1, "dx": 1, **weight_fields(chain)}
        self.fields |= dict.fromkeys(residuals(chain), 1)
        self.fields |= {"kernels": 1, "scales": 1}

    def run(self, frame):
        dy = frame.get("dy")
        dkernels: list[tf.Tensor] = []
        dscales: list[tf.Tensor] = []
        links = list(enumerate(self.chain.links))
        if self.chain.subsamples:
            z = frame.get(f"z{len(links) - 1}")
            (dy,) = gradient(_subsampled, (z,), dy)
        for number, link in reversed(links):
            kernels, gamma, _ = link_weights(frame, number, link)
            z, *saved = (frame.get(f"{r}{number}") for r in "zmv")
            dz, *dscale = norms.batch_norm_gradients(dy, z, gamma, saved)
            # In front, for the links come last first.
            dscales[:0] = dscale
            a = frame.get(f"a{number}" if number else "x")
            if link.separable:
                d = frame.get(f"d{number}")
                dz, dpointwise = gradient(link.convolve, (d, kernels[1]), dz)
                da, dkernel = gradient(link.depthwise, (a, kernels[0]), dz)
                dkernels[:0] = [dkernel, dpointwise]
            else:
                da, dkernel = gradient(link.convolve, (a, kernels[0]), dz)
                dkernels[:0] = [dkernel]
            if number:
                dy = tf.raw_ops.ReluGrad(gradients=da, features=a)
        frame.put("dx", da)
        frame.put("kernels", flat(dkernels), to="kernels")
        frame.put("scales", flat(dscales), to="scales")


class ChainEvaluation:
    """Runs a chain with the moving statistics."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.fields = {"x": 1, "y": 1, **weight_fields(chain)}
        for number in range(len(chain.links)):
            self.fields[f"mean{number}"] = self.fields[f"variance{number}"] = 2

    def run(self, frame):
        x = frame.get("x")
        for number, link in enumerate(self.chain.links):
            x = tf.nn.relu(x) if number else x
            kernels, gamma, beta = link_weights(frame, number, link)
            if link.separable:
                x = link.depthwise(x, kernels[0])
            x = link.convolve(x, kernels[-1])
            moments = (
                frame.weight(f"{moment}{number}", "statistics", 1)
                for moment in ("mean", "variance")
            )
            x = norms.moving_batch_norm(x, gamma, beta, *moments)
        frame.put("y", _subsampled(x) if self.chain.subsamples else x)


def residuals(chain: Chain) -> list[str]:
    """Names of what a chain keeps for its gradient."""
    names = []
    for number, link in enumerate(chain.links):
        kept = "zmv" + ("a" if number else "") + ("d" if link.separable else "")
        names += [f"{kind}{number}" for kind in kept]
    return names


def weight_fields(chain: Chain) -> dict[str, int]:
    """Fields that say where a chain's weights are: offset, size, shape."""
    fields = {}
    for number, link in enumerate(chain.links):
        for kernel in link.kernels:
            fields[f"{kernel}{number}"] = 6
        fields[f"gamma{number}"] = fields[f"beta{number}"] = 2
    return fields


def link_weights(frame, number, link):
    """The kernels, gamma and beta of a link."""
    kernels = [
        frame.weight(f"{name}{number}", "kernels", 4) for name in link.kernels
    ]
    gamma = frame.weight(f"gamma{number}", "scales", 1)
    return kernels, gamma, frame.weight(f"beta{number}", "scales", 1)


def flat(tensors) -> tf.Tensor:
    """Tensors one after the other, as a vector."""
    return tf.concat([tf.reshape(t, [-1]) for t in tensors], 0)


def _dilated(x, kernel, size):
    """A SAME convolution with dilation 2.

    As TensorFlow makes it where shapes are known: its own kernel has no
    gradient on a CPU.
    """
    odd, border = tf.shape(x)[1:3] % 2, np.subtract(size, 1)
    x = tf.space_to_batch(x, (2, 2), tf.stack([border, border + odd], 1))
    x = tf.nn.conv2d(x, kernel, 1, "VALID")
    return tf.batch_to_space(x, (2, 2), tf.stack([[0, 0], odd], 1))


def _subsampled(x):
    return x[:, ::2, ::2]
