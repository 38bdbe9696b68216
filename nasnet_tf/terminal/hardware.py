"""What a job ran on."""

import os
import pathlib
import platform

import tensorflow as tf


def accelerators() -> list[tf.config.PhysicalDevice]:
    """This machine's GPUs and TPUs."""
    return [
        device
        for kind in ("GPU", "TPU")
        for device in tf.config.list_physical_devices(kind)
    ]


def hardware_text(replicas: int = 1) -> str:
    """This machine's accelerators, or its processor; and the replicas."""
    details = tf.config.experimental.get_device_details
    names = [
        details(device).get("device_name", device.device_type)
        for device in accelerators()
    ]
    if names:
        parts = [
            f"{names.count(name)} x {name}" for name in dict.fromkeys(names)
        ]
    else:
        parts = [f"{processor_name()}, {core_count()} cores"]
    if replicas > 1:
        parts.append(f"{replicas} replicas")
    return "; ".join(parts)


def core_count() -> int | None:
    """How many of the processor's cores this process may use.

    Of them all, where the system does not tell which; None where it does not
    tell these either.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def processor_name() -> str:
    """The name that the processor gives itself, where the system tells."""
    name = _of_processor("model name")
    return name or platform.processor() or platform.machine()


def processor_flags() -> set[str]:
    """The processor's instruction sets, as Linux names them; else none."""
    # Arm's are called features.
    return set((_of_processor("flags", "Features") or "").split())


def _of_processor(*keys):
    path = pathlib.Path("/proc/cpuinfo")
    if not path.is_file():
        return None
    for line in path.read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in keys:
            return value.strip()
    return None
