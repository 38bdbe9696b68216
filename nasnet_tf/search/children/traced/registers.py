"""What an instruction reads and writes: tensors of any shape, by number."""

import tensorflow as tf


def reserve(count, dtype) -> tf.Tensor:
    """A list of so many tensors, none of them set: a scalar variant."""
    return tf.raw_ops.TensorListReserve(
        element_shape=-1, num_elements=count, element_dtype=dtype
    )


def read(registers, number, dtype) -> tf.Tensor:
    """The tensor of that number; it must have been set."""
    return tf.raw_ops.TensorListGetItem(
        input_handle=registers,
        index=number,
        element_shape=-1,
        element_dtype=dtype,
    )


def write(registers, number, value) -> tf.Tensor:
    """The list with that tensor set."""
    return tf.raw_ops.TensorListSetItem(
        input_handle=registers, index=number, item=value
    )


def joined_registers(registers, dtype, size: int) -> tf.Tensor:
    """All vectors of a list one after the other, with zeros up to `size`."""
    vector, _ = tf.raw_ops.TensorListConcatV2(
        input_handle=registers,
        element_shape=tf.constant([-1]),
        leading_dims=tf.constant([], tf.int64),
        element_dtype=dtype,
    )
    vector = tf.pad(vector, [[0, size - tf.shape(vector)[0]]])
    return tf.ensure_shape(vector, (size,))


def fields(*scalars: str, **vectors: int) -> dict[str, int]:
    """The fields of an instruction: how many numbers each name is."""
    return {**dict.fromkeys(scalars, 1), **vectors}


class Frame:
    """One instruction at work.

    Args:
        lists: the lists of tensors by name: `registers` and, where the
            instruction may add to them, `statistics`, `kernels`, `scales`.
        weights: the vectors `kernels`, `scales` and `statistics`.
        row: the instruction's numbers.
        fields: their names with how many each is; one is a scalar.
    """

    def __init__(self, lists, weights, row, fields: dict[str, int]):
        self.lists = dict(lists)
        self.weights = weights
        self.dtype = weights["kernels"].dtype
        sizes = list(fields.values())
        parts = tf.split(row[: sum(sizes)], sizes)
        self.fields = {
            name: tf.reshape(part, ()) if size == 1 else part
            for (name, size), part in zip(fields.items(), parts, strict=True)
        }

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name: str) -> tf.Tensor:
        """The tensor in the register that field `name` holds."""
        return read(self.lists["registers"], self[name], self.dtype)

    def put(self, name: str, value, to="registers") -> None:
        """Sets the tensor whose number field `name` holds."""
        self.lists[to] = write(self.lists[to], self[name], value)

    def weight(self, name: str, of: str, rank: int) -> tf.Tensor:
        """A weight; field `name` holds its offset, size and shape."""
        place = self[name]
        flat = tf.slice(self.weights[of], place[:1], place[1:2])
        if rank == 1:
            return flat
        return tf.reshape(flat, tf.ensure_shape(place[2:], (rank,)))
