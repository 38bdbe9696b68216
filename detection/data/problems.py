"""What is wrong in a data set: counts by kind, and the first offenders."""

from collections.abc import Iterable

from nasnet_tf.checks.errors import InputError

# Of each kind, in a report; in an error's one line there is room for fewer.
_SHOWN = 5
_SHOWN_IN_LINE = 2
_KINDS_IN_LINE = 3
_LONGEST = 80
# Values in a message.
_LISTED = 5


class Problems:
    """Collects problems.

    Args:
        kinds: their names, the most important first.
    """

    def __init__(self, kinds: tuple[str, ...]):
        self._counts = dict.fromkeys(kinds, 0)
        self._offenders: dict[str, list[str]] = {kind: [] for kind in kinds}
        self.total = 0

    def add(self, kind: str, offender: str, hint: str = "") -> None:
        """Counts one more.

        Args:
            kind: one of `kinds`.
            offender: who, and what is wrong with it, such as
                `"annotation 7: [5, 5, 0, 9]"`; a long one is cut.
            hint: what to do, which is not cut.
        """
        self._counts[kind] += 1
        self.total += 1
        if len(self._offenders[kind]) < _SHOWN:
            shown = _printable(offender)
            if hint:
                # A hint has quotes where a name could break the line.
                shown += f": {hint}"
            self._offenders[kind].append(shown)

    @property
    def counts(self) -> dict[str, int]:
        """By kind, those found only, in the order of `kinds`."""
        return {kind: n for kind, n in self._counts.items() if n}

    def report(self) -> str:
        """A line for each kind with its count, and its first offenders."""
        width = len(f"{max(self._counts.values()):,}")
        lines = []
        for kind, count in self.counts.items():
            lines.append(f"{count:{width},}  {kind}")
            offenders = self._offenders[kind]
            lines += [f"{'':{width}}    {offender}" for offender in offenders]
            if count > len(offenders):
                more = f"and {count - len(offenders):,} more"
                lines.append(f"{'':{width}}    {more}")
        return "\n".join(lines)

    def line(self) -> str:
        """The most important kinds with counts and offenders, in one line."""
        kinds = list(self.counts)
        parts = []
        for kind in kinds[:_KINDS_IN_LINE]:
            offenders = self._offenders[kind][:_SHOWN_IN_LINE]
            if self._counts[kind] > len(offenders):
                offenders = [*offenders, "..."]
            parts.append(
                f"{kind}: {self._counts[kind]:,} ({', '.join(offenders)})"
            )
        if rest := [self._counts[kind] for kind in kinds[_KINDS_IN_LINE:]]:
            parts.append(f"other kinds: {sum(rest):,}")
        return "; ".join(parts)


class DataError(InputError):
    """A data set with problems: one line, and the report of all.

    Args:
        message: the line.
        problems: those found.
    """

    def __init__(self, message: str, problems: Problems):
        super().__init__(message)
        self.problems = problems


def few(values: Iterable) -> str:
    """The first five values, and how many more there are."""
    values = [str(value) for value in values]
    more = len(values) - _LISTED
    text = ", ".join(values[:_LISTED])
    return f"{text} and {more:,} more" if more > 0 else text


def _printable(text):
    # A file's name may hold what would break the line.
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
