"""Convolutions in bfloat16, on processors that compute in it."""

import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal.hardware import processor_flags

# AVX-512's and AMX's; and Arm's.
_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def use_bfloat16() -> None:
    """Lets TensorFlow compute convolutions and products in bfloat16.

    It holds for the process and for what it traces from then on; weights and
    boxes stay in float32. oneDNN's kernels are two to four times as fast so.

    Raises:
        InputError: this processor has no such instructions, or TensorFlow runs
            on a GPU.
    """
    if tf.config.list_physical_devices("GPU"):
        raise InputError(
            "bfloat16: it is for processors, and there is a GPU; leave it out"
        )
    if not processor_flags() & _FLAGS:
        raise InputError(
            "bfloat16: this processor has no instructions for it "
            "(avx512_bf16, amx_bf16, or bf16 on Arm); leave it out"
        )
    tf.config.optimizer.set_experimental_options(
        {"auto_mixed_precision_onednn_bfloat16": True}
    )
