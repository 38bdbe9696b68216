"""The help of a command: what it does, examples, its flags."""

import re
import shutil
import textwrap
import types

from absl import flags

HELP_FLAGS = frozenset(
    ("--help", "-help", "-h", "--helpshort", "--helpfull", "--h")
)
_MOST_COLUMNS = 80
_INDENT = " " * 6
_SHARED, _OWN = "flags of jobs", "flags"


def help_text(module: types.ModuleType, name: str | None = None) -> str:
    """What `--help` prints.

    Args:
        module: of the command; its docstring begins the text.
        name: what the user calls it, such as `"nasnet train"`; examples then
            say this. None: as they are written, `python -m MODULE`.
    """
    text = (module.__doc__ or "").strip()
    if name:
        text = text.replace(f"python -m {_spelled(module)} ", f"{name} ")
    columns = min(shutil.get_terminal_size().columns, _MOST_COLUMNS)
    parts = [text]
    for title, defined in _groups().items():
        lines = [f"{title}:"]
        for flag in defined:
            lines += _flag_lines(flag, columns)
        parts.append("\n".join(lines))
    parts.append("--verbosity=1 lets libraries tell more, -2 less.")
    return "\n\n".join(parts)


def _spelled(module):
    """The module as `python -m` names it: a package without `__main__`."""
    spec = getattr(module, "__spec__", None)
    full = spec.name if spec else module.__name__
    return full.removesuffix(".__main__")


def _groups():
    """The flags of the command, and those that it shares; none of absl's."""
    groups: dict[str, list[flags.Flag]] = {}
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith("absl."):
            continue
        shared = module.endswith(".job_flags")
        groups.setdefault(_SHARED if shared else _OWN, []).extend(defined)
    return groups


def _flag_lines(flag, columns):
    lines = textwrap.wrap(
        _described(flag),
        columns,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
    )
    name = f"[no]{flag.name}" if flag.boolean else flag.name
    return [f"  --{name}", *lines]


def _described(flag):
    text = flag.help or ""
    # Of absl's making, before and behind what the command says.
    text = re.sub(r"^<[^>]*>: ", "", text)
    text = (
        text.partition(";\n")[0] if isinstance(flag, flags.MultiFlag) else text
    )
    parts = [re.sub(r"\s+", " ", text).strip()]
    if isinstance(flag, flags.EnumFlag):
        parts.append(f"One of {', '.join(flag.parser.enum_values)}.")
    if isinstance(flag, flags.MultiFlag) and "repeat" not in text:
        parts.append("May be repeated.")
    if flag.default not in (None, "", []):
        parts.append(f"Default: {_default(flag)}.")
    return " ".join(parts)


def _default(flag):
    if flag.boolean:
        return "yes" if flag.default else "no"
    if isinstance(flag.default, list):
        return ", ".join(map(str, flag.default))
    return str(flag.default)
