"""Protocol buffers' text format, of messages that are not known here.

The Object Detection API writes `pipeline.config` and label maps in it.
"""

import pathlib

from google.protobuf import text_format

from nasnet_tf.checks.errors import InputError, first_line


class Message(dict[str, list]):
    """Fields by name, each with the list of its values."""

    def get_path(self, path: str, default=None):
        """The last value at a path such as `"model.faster_rcnn.num_classes"`.

        A message where the path ends in one; the default without any.
        """
        value = self
        for name in path.split("."):
            if not isinstance(value, Message) or not value.get(name):
                return default
            value = value[name][-1]
        return value

    def get_list(self, path: str, default=()) -> list:
        """All values of a repeated field."""
        place, _, name = path.rpartition(".")
        message = self.get_path(place) if place else self
        found = message.get(name) if isinstance(message, Message) else None
        return list(found or default)


def read_message(path: pathlib.Path, argument: str) -> Message:
    """Reads a file in the text format.

    Args:
        path: of the file.
        argument: what the user gave it as.

    Raises:
        InputError: it cannot be read, or is no such text.
    """
    try:
        tokens = text_format.Tokenizer(
            path.read_text(encoding="utf-8").splitlines()
        )
        message = _fields(tokens, None)
    # Its own error is no ValueError.
    except (OSError, ValueError, text_format.ParseError) as error:
        raise InputError(
            f"{argument}: {path} is no text of the Object Detection API "
            f"({first_line(error)}); give the file as it was published"
        ) from None
    return message


def _fields(tokens, end):
    message = Message()
    while not (tokens.AtEnd() if end is None else tokens.TryConsume(end)):
        if tokens.AtEnd():
            raise ValueError("a message is not closed")
        name = tokens.ConsumeIdentifier()
        values = message.setdefault(name, [])
        colon = tokens.TryConsume(":")
        if tokens.TryConsume("{"):
            values.append(_fields(tokens, "}"))
        elif tokens.TryConsume("<"):
            values.append(_fields(tokens, ">"))
        elif not colon:
            raise ValueError(f"{name} has no value")
        elif tokens.TryConsume("["):
            while not tokens.TryConsume("]"):
                values.append(_value(tokens))
                tokens.TryConsume(",")
        else:
            values.append(_value(tokens))
        tokens.TryConsume(",") or tokens.TryConsume(";")
    return message


def _value(tokens):
    token = tokens.token
    if token[:1] in "\"'":
        return tokens.ConsumeString()
    tokens.NextToken()
    if token == "-":
        return -_number(tokens)
    if token in ("true", "false"):
        return token == "true"
    try:
        return int(token, 0)
    except ValueError:
        pass
    try:
        return float(token.rstrip("fF"))
    except ValueError:
        return token  # of an enumeration


def _number(tokens):
    value = _value(tokens)
    if not isinstance(value, (int, float)):
        raise ValueError(f"-{value} is no number")
    return value
