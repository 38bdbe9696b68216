"""The operations of blocks as data: what each computes and is called.

Layers, the traced children of a search, drawings and reports read it here, so
that an operation of one's own is one call of `register_operation`.
"""

import dataclasses
import re

from nasnet_tf.checks.arguments import check_choice, check_integer
from nasnet_tf.checks.errors import InputError

KINDS = ("conv", "dilated_conv", "separable_conv")
POOLS = ("max", "avg")


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution of an operation; a ReLU comes before, batch norm after.

    Args:
        kind: `"conv"`, `"dilated_conv"` (dilation 2) or `"separable_conv"`.
        size: `(height, width)` of its kernel.
    """

    kind: str
    size: tuple[int, int]

    def __post_init__(self):
        check_choice("kind", self.kind, KINDS)
        if len(self.size) != 2:
            raise InputError(f"size: {self.size!r} is not (height, width)")
        for side in self.size:
            check_integer("size", side)

    @property
    def strided_axes(self) -> tuple[int, ...]:
        """The axes that it can halve: 0 is the height, 1 the width.

        Those in which it sees more than one pixel; both, where it is of 1x1 or
        separable (TensorFlow strides these alike in both); none of a dilated
        one, for Keras allows no stride beside a dilation.
        """
        if self.kind == "dilated_conv":
            return ()
        if self.kind == "separable_conv" or self.size == (1, 1):
            return (0, 1)
        return tuple(axis for axis in (0, 1) if self.size[axis] > 1)


@dataclasses.dataclass(frozen=True)
class OperationForm:
    """What an operation is made of (paper, section 2 and App. A.4).

    A pool, or convolutions in a chain, or neither: an identity.

    Args:
        label: in drawings, a few characters.
        convolutions: in the order they are applied.
        pool: `"max"` or `"avg"`; None: no pool.
        pool_size: the side of the pool's window.
        bottleneck: share of the filters F between two more convolutions of
            1x1, one before and one after; None: there are none.
    """

    label: str
    convolutions: tuple[Convolution, ...] = ()
    pool: str | None = None
    pool_size: int | None = None
    bottleneck: float | None = None

    def __post_init__(self):
        if self.pool is None:
            if self.pool_size is not None:
                raise InputError(
                    f"pool_size: {self.pool_size} without a pool; give "
                    "pool='max' or 'avg', or leave it out"
                )
        else:
            check_choice("pool", self.pool, POOLS)
            check_integer("pool_size", self.pool_size)
            if self.convolutions:
                raise InputError(
                    "convolutions: a pool has none; give one or the other"
                )
        if {a for c in self.convolutions for a in c.strided_axes} in ({0}, {1}):
            raise InputError(
                "convolutions: only one direction is convolved, so a reduction "
                "cell cannot halve the other; give a 1x3 with a 3x1"
            )
        if self.bottleneck is not None and not 0 < self.bottleneck <= 1:
            raise InputError(
                f"bottleneck: {self.bottleneck} is no share of the filters; "
                "give a number above 0, at most 1"
            )


def _convolution(kind, *sizes, bottleneck=None):
    word = {"conv": "conv", "dilated_conv": "dilated", "separable_conv": "sep"}
    kernels = "-".join(f"{h}x{w}" for h, w in dict.fromkeys(sizes))
    return OperationForm(
        f"{word[kind]} {kernels}",
        tuple(Convolution(kind, size) for size in sizes),
        bottleneck=bottleneck,
    )


def _pool(pool, size):
    return OperationForm(f"{pool} {size}x{size}", pool=pool, pool_size=size)


# The 13 operations of the paper's search space (section 2). A separable
# convolution is applied twice. The shares of bottlenecks are not published:
# taken from the same group's later networks.
_PAPER = {
    "identity": OperationForm("identity"),
    "conv_1x3_3x1": _convolution("conv", (1, 3), (3, 1), bottleneck=3 / 8),
    "conv_1x7_7x1": _convolution("conv", (1, 7), (7, 1), bottleneck=1 / 4),
    "dilated_conv_3x3": _convolution("dilated_conv", (3, 3), bottleneck=1 / 4),
    "avg_pool_3x3": _pool("avg", 3),
    "max_pool_3x3": _pool("max", 3),
    "max_pool_5x5": _pool("max", 5),
    "max_pool_7x7": _pool("max", 7),
    "conv_1x1": _convolution("conv", (1, 1)),
    "conv_3x3": _convolution("conv", (3, 3), bottleneck=1 / 4),
    "separable_conv_3x3": _convolution("separable_conv", (3, 3), (3, 3)),
    "separable_conv_5x5": _convolution("separable_conv", (5, 5), (5, 5)),
    "separable_conv_7x7": _convolution("separable_conv", (7, 7), (7, 7)),
}
# What a search space has where none are named. Added ones stay out of it: it
# would no longer be the paper's, nor that of the searches begun before.
OPERATIONS = tuple(_PAPER)
# An operation of our own is an entry here, after the paper's.
_FORMS = {**_PAPER}


def operation_names() -> tuple[str, ...]:
    """The paper's operations, then those that were added or registered."""
    return tuple(_FORMS)


def operation_form(name: str) -> OperationForm:
    """What an operation is made of.

    Raises:
        InputError: none has this name.
    """
    check_choice("operation", name, _FORMS)
    return _FORMS[name]


def register_operation(name: str, form: OperationForm) -> None:
    """Adds an operation that genotypes and search spaces can name.

    Register it before a genotype, or a saved network, that has it is read, in
    each process that reads one; commands and their workers import the modules
    that NASNET_TF_PLUGINS names (see `nasnet_tf.terminal.plugins`).

    >>> register_operation(
    ...     "separable_conv_9x9",
    ...     OperationForm(
    ...         "sep 9x9", (Convolution("separable_conv", (9, 9)),) * 2
    ...     ),
    ... )

    Args:
        name: small letters, digits and underscores.
        form: what it computes.

    Raises:
        InputError: the name is taken by another form, or is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
        raise InputError(
            f"name: {name!r} is no name of an operation; use small letters, "
            "digits and underscores"
        )
    if not isinstance(form, OperationForm):
        raise InputError(f"form: {form!r} is not an OperationForm")
    # Twice the same does no harm: a notebook's cell is run again.
    if _FORMS.setdefault(name, form) != form:
        raise InputError(
            f"name: an operation {name!r} is there already; choose another"
        )
