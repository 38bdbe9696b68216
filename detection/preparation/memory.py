"""How much memory there is for training."""

import pathlib

_MEMINFO = pathlib.Path("/proc/meminfo")
# What a container may take: of version 2 and 1 of control groups.
_LIMITS = (
    pathlib.Path("/sys/fs/cgroup/memory.max"),
    pathlib.Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Where the system does not tell.
_ASSUMED = 8 * 2**30


def available_memory() -> float:
    """Bytes of main memory that a program may take now."""
    found = [_ASSUMED]
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                found = [int(value.split()[0]) * 1024]
    for path in _LIMITS:
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            found.append(int(text))
    return float(min(found))
