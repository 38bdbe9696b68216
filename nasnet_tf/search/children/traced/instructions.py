"""What a program can do besides chains of convolutions.

An instruction has `fields`, its numbers in a row of the program, and
`run(frame)`. Registers, weights and sizes come from the row alone, so each is
traced once for all widths and resolutions.
"""

import tensorflow as tf

from nasnet_tf.cells.operations import operation_form
from nasnet_tf.search.children.traced import norms
from nasnet_tf.search.children.traced.chains import flat, gradient
from nasnet_tf.search.children.traced.registers import fields


class Relu:
    fields = fields("x", "y")

    def run(self, frame):
        frame.put("y", tf.nn.relu(frame.get("x")))


class ReluBackward:
    fields = fields("dy", "y", "dx")

    def run(self, frame):
        dy, y = frame.get("dy"), frame.get("y")
        # Where a ReLU let through its result says as well as its argument.
        frame.put("dx", tf.raw_ops.ReluGrad(gradients=dy, features=y))


class Add:
    fields = fields("left", "right", "y")

    def run(self, frame):
        frame.put("y", frame.get("left") + frame.get("right"))


class Pool:
    """A SAME pool; an average leaves out what lies past the border."""

    fields = fields("x", "y")

    def __init__(self, operation: str, strides: int):
        form = operation_form(operation)
        self.is_max = form.pool == "max"
        self.size = form.pool_size
        self.strides = strides

    def run(self, frame):
        frame.put("y", self.pooled(frame.get("x")))

    def pooled(self, x):
        pool = tf.nn.max_pool2d if self.is_max else tf.nn.avg_pool2d
        return pool(x, self.size, self.strides, "SAME")


class PoolBackward:
    """The gradient of a pool.

    It makes a maximum again: beside it oneDNN has a gradient that is ten
    times faster than TensorFlow's own.
    """

    fields = fields("dy", "x", "dx")

    def __init__(self, operation: str, strides: int):
        self.pool = Pool(operation, strides)

    def run(self, frame):
        arguments = (frame.get("x"),)
        (dx,) = gradient(self.pool.pooled, arguments, frame.get("dy"))
        frame.put("dx", dx)


class Norm:
    """The norm of a combiner."""

    fields = fields("x", "y", gamma=2, beta=2)

    def __init__(self, combiner: str):
        self.combiner = combiner

    def run(self, frame):
        gamma, beta = (frame.weight(n, "scales", 1) for n in ("gamma", "beta"))
        y = norms.group_norm(frame.get("x"), gamma, beta, self.combiner)
        frame.put("y", y)


class NormBackward:
    fields = fields("dy", "x", "dx", "scales", gamma=2, beta=2)

    def __init__(self, combiner: str):
        self.combiner = combiner

    def run(self, frame):
        gamma = frame.weight("gamma", "scales", 1)
        dx, *dscales = norms.group_norm_gradients(
            frame.get("dy"), frame.get("x"), gamma, self.combiner
        )
        frame.put("dx", dx)
        frame.put("scales", tf.concat(dscales, 0), to="scales")


class Concat:
    """Joins states in depth; those of size 0 channels only fill places."""

    def __init__(self, count: int):
        self.count = count
        self.fields: dict[str, int] = {}
        for number in range(count):
            self.fields |= {f"x{number}": 1, f"size{number}": 4}
        self.fields["y"] = 1

    def run(self, frame):
        parts = [
            tf.slice(
                frame.get(f"x{number}"), [0, 0, 0, 0], frame[f"size{number}"]
            )
            for number in range(self.count)
        ]
        frame.put("y", tf.concat(parts, -1))


class Slice:
    """The gradient of one of the states that were joined."""

    fields = fields("dy", "dx", begin=4, size=4)

    def run(self, frame):
        frame.put(
            "dx", tf.slice(frame.get("dy"), frame["begin"], frame["size"])
        )


class Head:
    """Global average pool and classifier."""

    fields = fields("x", "y", kernel=4, bias=2)

    def run(self, frame):
        weights = frame.weight("kernel", "kernels", 2), _bias(frame)
        frame.put("y", self.logits(frame.get("x"), *weights))

    @staticmethod
    def logits(x, kernel, bias):
        return tf.matmul(tf.reduce_mean(x, (1, 2)), kernel) + bias


class HeadBackward:
    fields = fields("dy", "x", "dx", "kernels", "scales", kernel=4, bias=2)

    def run(self, frame):
        kernel = frame.weight("kernel", "kernels", 2)
        arguments = frame.get("x"), kernel, _bias(frame)
        dx, dkernel, dbias = gradient(Head.logits, arguments, frame.get("dy"))
        frame.put("dx", dx)
        frame.put("kernels", flat([dkernel]), to="kernels")
        frame.put("scales", dbias, to="scales")


def _bias(frame):
    return frame.weight("bias", "scales", 1)
