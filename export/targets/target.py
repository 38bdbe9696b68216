"""What is known of a format that networks are exported to."""

import dataclasses
import pathlib
import pkgutil
from collections.abc import Callable

# The rewrites that pay in every runtime; see `export.rewrites`.
PLAIN = (
    "subsample_in_convolutions",
    "merge_pads_and_slices",
    "fold_batch_norm",
    "move_relus_through_concats",
    "share_duplicates",
    "drop_idle",
    "fuse_relus",
)


@dataclasses.dataclass(frozen=True)
class ExportTarget:
    """A format.

    Args:
        name: as `format` names it.
        title: for people.
        file: what the export's folder holds, a file or a folder.
        write: a function of `(original, graph, path, quantize, calibration)`
            that writes it: an `export.sources.original.Original`, an
            `export.graph.Graph`, the path of what does not exist, a name of
            `quantizations`, and images as the graph takes them, or None; or
            `"module:name"` of one.
        runner: a function of a path and a number of threads, or None, to an
            `export.runtime.runners.Runner`; or `"module:name"` of one.
        library: the package that runs it, and the module to import.
        packages: that writing and running needs, by name: the module to
            import.
        example: lines of Python for the card, which make `answers` of
            `images`; `{file}` is the file's name.
        runtime: what runs it, for people; None: the title.
        contents: a file in `file`, where that is a folder.
        network: the network's file there, where the folder holds more.
        litert_js: whether it is a page, which runs the network by LiteRT.js.
        serving: Markdown for the card, how it is served; `{file}` is the
            file's name.
        quantizations: `"none"`, then those of `"float16"`, `"dynamic"` and
            `"int8"` that it has.
        input_types: what the file's input can be.
        input_note: what it does in place of other types, for people.
        batch: how many images it takes at a time, for people.
        rewrites: names of `export.rewrites.REWRITES` that pay here.
        more_rewrites: and with a quantisation, by its name.
    """

    name: str
    title: str
    file: str
    write: str | Callable
    runner: str | Callable
    library: tuple[str, str]
    packages: dict[str, str] = dataclasses.field(default_factory=dict)
    example: str = ""
    runtime: str | None = None
    contents: str | None = None
    network: str | None = None
    litert_js: bool = False
    serving: str = ""
    quantizations: tuple[str, ...] = ("none",)
    input_types: tuple[str, ...] = ("float32", "uint8")
    input_note: str = "does not take it"
    batch: str = "any number"
    rewrites: tuple[str, ...] = PLAIN
    more_rewrites: dict[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )

    @property
    def ending(self) -> str:
        """What tells the file of others; of a folder, the file in it."""
        return self.contents or pathlib.PurePath(self.file).suffix.lower()

    @property
    def network_file(self) -> str:
        """What holds the network and no more, below the export's folder."""
        return f"{self.file}/{self.network}" if self.network else self.file

    def function(self, name: str) -> Callable:
        """`write` or `runner`, imported where it is only named."""
        value = getattr(self, name)
        return pkgutil.resolve_name(value) if isinstance(value, str) else value

    def rewrites_for(self, quantize: str) -> tuple[str, ...]:
        """The rewrites that pay with a quantisation."""
        return (*self.rewrites, *self.more_rewrites.get(quantize, ()))
