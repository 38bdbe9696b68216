"""Exact rewrites of a network for inference.

Each is a function of a `Graph` to a `Graph` that computes the same, up to
rounding, and says in its docstring what it gains where.
"""

from collections.abc import Iterable

from export.graph import Graph
from export.rewrites.activations import split_hard_swish
from export.rewrites.batch_norm import fold_batch_norm
from export.rewrites.channels import pad_channels
from export.rewrites.concats import nest_concats
from export.rewrites.depthwise import split_large_depthwise
from export.rewrites.duplicates import drop_idle, share_duplicates
from export.rewrites.pads import (
    merge_pads_and_slices,
    subsample_in_convolutions,
)
from export.rewrites.pools import average_pools_as_depthwise
from export.rewrites.relus import fuse_relus, move_relus_through_concats
from export.targets import get_target
from export.targets.target import PLAIN
from nasnet_tf.checks.arguments import check_choice

# In the order in which they run: each finds what those before it leave.
REWRITES = {
    rewrite.__name__: rewrite
    for rewrite in (
        subsample_in_convolutions,
        fold_batch_norm,
        merge_pads_and_slices,
        move_relus_through_concats,
        share_duplicates,
        drop_idle,
        average_pools_as_depthwise,
        split_large_depthwise,
        split_hard_swish,
        fuse_relus,
        nest_concats,
        pad_channels,
    )
}


def for_format(format: str, quantize: str = "none") -> tuple[str, ...]:
    """The rewrites that pay for a format, as measured on a CPU.

    Args:
        format: a name of `export.targets`.
        quantize: `"none"`, `"float16"`, `"dynamic"` or `"int8"`.
    """
    return get_target(format).rewrites_for(quantize)


def rewrite(graph: Graph, names: Iterable[str] | None = None) -> Graph:
    """Applies rewrites in their order, each once.

    Args:
        graph: stays as it is.
        names: keys of `REWRITES`, in any order; None: those that pay in
            every runtime.

    Raises:
        InputError: a name is unknown.
    """
    names = PLAIN if names is None else tuple(names)
    for name in names:
        check_choice("rewrites", name, REWRITES)
    for name, function in REWRITES.items():
        if name in names:
            graph = function(graph)
    return graph
