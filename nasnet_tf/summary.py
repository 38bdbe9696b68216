"""What the paper publishes of each network beside what is counted here.

python -m nasnet_tf.summary
python -m nasnet_tf.summary --preset=nasnet_a_mobile
python -m nasnet_tf.summary --json
"""

import json

from absl import flags

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    if arguments:
        raise InputError(
            f"argument: {arguments[0]!r} is not expected; give --preset=NAME"
        )
    from nasnet_tf.zoo.cards import format_card, format_table, summarize

    preset = flags.FLAGS.preset
    cards = summarize([preset] if preset else None)
    if flags.FLAGS.json:
        print(json.dumps(cards, indent=2))
    else:
        print(format_card(cards[0]) if preset else format_table(cards))


def define_flags():
    flags.DEFINE_string("preset", None, "The one preset to print in full.")
    flags.DEFINE_bool("json", False, "Print a JSON list instead of text.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
