"""What only people can say of a network."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class About:
    """Each may be None.

    Args:
        author: who made it.
        license: under which others may use it, such as `"Apache-2.0"`.
        version: of the network.
    """

    author: str | None = None
    license: str | None = None
    version: str | None = None
