"""What the stages of the quickstart share."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from nasnet_tf.files.output_file import (
    check_output,
    make_folder,
    written_beside,
)
from nasnet_tf.pictures.html_report import ReportSection


@dataclasses.dataclass
class Context:
    """One run of the quickstart.

    Args:
        out: the folder that the files go to.
        seed: of weights, shuffling and shifts.
        epochs: passes over the training images.
        command: that repeats this run.

    Attributes:
        results: what each stage returned, by the stage's name.
        section: the part of the report that belongs to the running stage.
        sections: all parts so far.
        headline: the sentence that the report begins with.
        facts: `(label, value)`, shown large under the headline.
        metrics: what `metrics.json` will hold.
        files: what each file is, by its path.
        failures: one line for each result that is not as it should be.
    """

    out: pathlib.Path
    seed: int
    epochs: int
    command: str = ""
    results: dict[str, Any] = dataclasses.field(default_factory=dict)
    section: ReportSection | None = None
    sections: list[ReportSection] = dataclasses.field(default_factory=list)
    headline: str = ""
    facts: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    files: dict[pathlib.Path, str] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)

    def make_folder(self) -> None:
        """Makes the folder `out`.

        Raises:
            InputError: it cannot be made or written in.
        """
        check_output(make_folder(self.out) / "report.html")

    def say(self, sentence: str) -> None:
        """Prints a sentence and puts it into the running stage's section."""
        print(f"  {sentence}", flush=True)
        if self.section is not None:
            self.section.text(sentence)

    @contextlib.contextmanager
    def new_file(self, name: str, what: str) -> Iterator[pathlib.Path]:
        """Gives a path beside `out/name`, and renames it once it is written.

        A file that was there stays as it is if writing fails. The path has
        the suffix of `name`, which tells Keras and matplotlib the format.

        Args:
            name: of the file in `out`.
            what: it is, for the list of files.

        Raises:
            InputError: the file cannot be written.
        """
        path = self.out / name
        with written_beside(path) as beside:
            yield beside
        self.files[path] = what
