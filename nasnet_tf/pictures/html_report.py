"""Reports: one HTML file that needs no other, of `html_report.html`'s form."""

import base64
import dataclasses
import datetime

from nasnet_tf.pictures.figures import to_svg

# A figure may grow to this scale, and no more.
PIXELS_PER_INCH = 115


@dataclasses.dataclass
class ReportSection:
    """A part of a report: its text, figures and tables, in order."""

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


def render(template: str, **values) -> str:
    """The text of a page.

    Args:
        template: a file of this package that extends
            `pictures/html_report.html`.
        **values: what it reads; `date` is there already.
    """
    # Of an extra, which those who write reports check for.
    import jinja2

    environment = jinja2.Environment(
        # Templates lie beside what writes them.
        loader=jinja2.PackageLoader("nasnet_tf", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    date = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"
    return environment.get_template(template).render(date=date, **values)
