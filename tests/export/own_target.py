"""A format of a user's own: a .tflite file with another ending.

The process that times what was written imports it, too.
"""

from export.runtime.file_runners import LitertRunner
from export.targets import register_target
from export.targets.target import ExportTarget


class OwnRunner(LitertRunner):
    """As it is."""


def write(original, graph, path, quantize, calibration):
    from export.formats.litert.writer import write_litert

    del original, quantize, calibration
    path.write_bytes(write_litert(graph))


OWN = ExportTarget(
    name="own",
    title="Own format",
    file="model.own",
    write=write,
    runner=OwnRunner,
    library=("ai-edge-litert", "ai_edge_litert.interpreter"),
    batch="1",
    example='answers = run("{file}", images)',
)
register_target(OWN)
