"""The report of a quickstart: one HTML file that needs no other."""

import base64
import dataclasses
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import shlex

from nasnet_tf.figures import to_svg

# A figure may grow to this scale, and no more.
PIXELS_PER_INCH = 115
PACKAGES = ("nasnet_tf", "keras", "tensorflow", "numpy", "scikit-learn")
# Commands to try next; those that read the model need it in `out`.
NEXT = (
    (
        "nasnet_tf.classify",
        "{out}/digit.png --weights={out}/digits.keras",
        "digits.keras",
        "Classify a picture with the model; put your own photo in its place.",
    ),
    (
        "nasnet_tf.draw",
        "NASNET_B --out={out}/nasnet_b.svg",
        None,
        "Draw the cells of another genotype.",
    ),
    (
        "nasnet_tf.summary",
        "",
        None,
        "Compare the published networks with what is counted here.",
    ),
)


@dataclasses.dataclass
class Section:
    """A stage's part of the report: its text, figures and tables, in order."""

    name: str
    title: str
    seconds: float = 0.0
    items: list[dict] = dataclasses.field(default_factory=list)

    def text(self, sentence: str) -> None:
        """Adds a paragraph."""
        self.items.append({"kind": "text", "text": sentence})

    def figure(self, figure, caption: str, wide: bool = False) -> None:
        """Adds a figure of `figures.new_figure`; it follows light and dark.

        Args:
            figure: a `matplotlib.figure.Figure`.
            caption: what it shows.
            wide: whether it scrolls on a narrow screen instead of shrinking.
        """
        self.items.append(
            {
                "kind": "figure",
                "svg": to_svg(figure),
                "width": round(figure.get_figwidth() * PIXELS_PER_INCH),
                "caption": caption,
                "wide": wide,
            }
        )

    def image(self, content: bytes, media_type: str, caption: str) -> None:
        """Adds a picture file, shown on white."""
        data = base64.b64encode(content).decode()
        self.items.append(
            {
                "kind": "image",
                "source": f"data:{media_type};base64,{data}",
                "caption": caption,
            }
        )

    def table(self, header: list, rows: list[list], caption: str = "") -> None:
        """Adds a table; the first column names the rows."""
        self.items.append(
            {
                "kind": "table",
                "header": header,
                "rows": rows,
                "caption": caption,
            }
        )


def write(context, seconds: float) -> None:
    """Writes `metrics.json` and `report.html`.

    Args:
        context: the run.
        seconds: that it took.
    """
    import jinja2

    versions = _versions()
    timings = {part.name: round(part.seconds, 2) for part in context.sections}
    metrics = {
        **context.metrics,
        "seed": context.seed,
        "epochs": context.epochs,
        "seconds": {**timings, "total": round(seconds, 2)},
        "versions": versions,
        "failures": context.failures,
    }
    with context.new_file("metrics.json", "all figures") as path:
        path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nasnet_tf.quickstart", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html").render(
        context=context,
        seconds=seconds,
        versions=versions,
        cores=os.cpu_count(),
        commands=_next_commands(context),
        date=f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
    )
    with context.new_file("report.html", "the report") as path:
        path.write_text(page, encoding="utf-8")


def _versions():
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _next_commands(context):
    commands = []
    out = shlex.quote(context.out.as_posix())
    written = {path.name for path in context.files}
    for module, arguments, needed, what in NEXT:
        if needed and needed not in written:
            continue
        if importlib.util.find_spec(module) is None:
            continue
        arguments = arguments.format(out=out)
        commands.append((f"python -m {module} {arguments}".strip(), what))
    return commands
