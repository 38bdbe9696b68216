"""The commands that `nasnet` knows, in groups, each with a line."""

import typing


class Command(typing.NamedTuple):
    """A command.

    Args:
        module: which `python -m` runs; it has `main` and `define_flags`.
        line: the first of its docstring.
    """

    module: str
    line: str


GROUPS: dict[str, dict[str, Command]] = {
    "first": {
        "quickstart": Command(
            "nasnet_tf.quickstart.__main__",
            "Trains a small NASNet on handwritten digits and writes a report.",
        ),
    },
    "networks": {
        "train": Command("nasnet_tf.train", "Trains a network."),
        "evaluate": Command(
            "nasnet_tf.evaluate", "Measures a classifier on labelled images."
        ),
        "classify": Command("nasnet_tf.classify", "Classifies photos."),
        "convert": Command(
            "nasnet_tf.convert",
            "Turns weights of any format that can be read into a `.keras` "
            "file.",
        ),
        "summary": Command(
            "nasnet_tf.summary",
            "What the paper publishes of each network beside what is counted "
            "here.",
        ),
        "draw": Command(
            "nasnet_tf.draw",
            "Draws the cells of a genotype, in the manner of the paper's "
            "Figure 4.",
        ),
    },
    "architecture search": {
        "search": Command(
            "nasnet_tf.search.run", "Searches for the cells of a network."
        ),
        "finalists": Command(
            "nasnet_tf.search.finalists.__main__",
            "Trains the best architectures of a search longer, and ranks them "
            "anew.",
        ),
        "search-report": Command(
            "nasnet_tf.search.report.__main__", "Writes the report of a search."
        ),
        "simulate": Command(
            "nasnet_tf.search.simulate",
            "Predicts how a search would run on a cluster, from how long "
            "children take.",
        ),
    },
    "export": {
        "export": Command(
            "export.run",
            "Exports a classifier: SavedModel, LiteRT, ONNX, Keras, a page.",
        ),
        "benchmark": Command(
            "export.benchmark",
            "Times exported models side by side, on this machine's processor.",
        ),
    },
    "object detection": {
        "detect-data": Command(
            "detection.coco",
            "Turns annotated images (COCO, VOC, YOLO) into TFRecords for Model "
            "Garden.",
        ),
        "detect-scenes": Command(
            "detection.scenes",
            "Writes a small data set for detection: handwritten digits in "
            "scenes.",
        ),
        "detect-train": Command(
            "detection.train",
            "Trains a detector: Model Garden's trainer, with NASNet.",
        ),
        "detect-evaluate": Command(
            "detection.evaluate",
            "Measures a detector, or a file of its results, as COCO does.",
        ),
        "detect-predict": Command(
            "detection.predict", "Detects objects in images, and draws them."
        ),
        "detect-export": Command(
            "detection.export",
            "Exports a trained detector as a SavedModel or for LiteRT.",
        ),
    },
}
COMMANDS = {
    name: command
    for group in GROUPS.values()
    for name, command in group.items()
}


def overview() -> str:
    """What `nasnet` prints: the commands, a line each."""
    width = max(map(len, COMMANDS))
    lines = ["NASNet: models, training, search, detection, export.", ""]
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        lines += [f"  {name:{width}}  {c.line}" for name, c in group.items()]
        lines.append("")
    lines += [
        "nasnet COMMAND --help lists the flags of one; nasnet --version tells",
        "the versions that a bug report needs. NASNET_TF_PLUGINS=mine.py has",
        "every command import operations, strategies, formats of your own.",
    ]
    return "\n".join(lines)
