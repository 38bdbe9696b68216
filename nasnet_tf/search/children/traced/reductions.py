"""The factorised reduction on values; see `nasnet_tf.layers`."""

import tensorflow as tf

from nasnet_tf.search.children.traced import norms
from nasnet_tf.search.children.traced.chains import flat, gradient
from nasnet_tf.search.children.traced.registers import fields

# How many numbers say where each is: offset, size and a kernel's shape.
WEIGHTS = {"path_1": 6, "path_2": 6, "gamma": 2, "beta": 2}
RESIDUALS = ("z", "m", "v")


class Reduction:
    """Halves a state by two 1x1 convolutions and a batch norm."""

    fields = fields("x", "y", *RESIDUALS, "statistics", **WEIGHTS)

    def run(self, frame):
        z = _convolved(frame.get("x"), *_kernels(frame))
        y, moments, saved = norms.batch_norm(z, *_scales(frame))
        for name, value in zip("zmv", (z, *saved), strict=True):
            frame.put(name, value)
        frame.put("y", y)
        frame.put("statistics", tf.concat(moments, 0), to="statistics")


class ReductionBackward:
    fields = fields("dy", "x", "dx", *RESIDUALS, "kernels", "scales", **WEIGHTS)

    def run(self, frame):
        z, *saved = (frame.get(name) for name in "zmv")
        gamma, _ = _scales(frame)
        dz, *dscales = norms.batch_norm_gradients(
            frame.get("dy"), z, gamma, saved
        )
        arguments = frame.get("x"), *_kernels(frame)
        dx, *dkernels = gradient(_convolved, arguments, dz)
        frame.put("dx", dx)
        frame.put("kernels", flat(dkernels), to="kernels")
        frame.put("scales", tf.concat(dscales, 0), to="scales")


class ReductionEvaluation:
    fields = fields("x", "y", mean=2, variance=2, **WEIGHTS)

    def run(self, frame):
        z = _convolved(frame.get("x"), *_kernels(frame))
        moments = (
            frame.weight(name, "statistics", 1) for name in ("mean", "variance")
        )
        y = norms.moving_batch_norm(z, *_scales(frame), *moments)
        frame.put("y", y)


def _kernels(frame):
    return [frame.weight(n, "kernels", 4) for n in ("path_1", "path_2")]


def _scales(frame):
    return [frame.weight(n, "scales", 1) for n in ("gamma", "beta")]


def _convolved(x, kernel_1, kernel_2):
    first = tf.nn.conv2d(x, kernel_1, 2, "SAME")
    second = tf.nn.conv2d(x[:, 1:, 1:], kernel_2, 2, "SAME")
    # Of an odd size the second lacks a row and a column, which are zeros.
    missing = tf.shape(first)[1:3] - tf.shape(second)[1:3]
    border = tf.stack([tf.zeros_like(missing), missing], -1)
    second = tf.pad(second, tf.pad(border, [[1, 1], [0, 0]]))
    return tf.concat([first, second], -1)
