import os
import subprocess
import sys

import pytest

COMMANDS = {
    "unknown flag": (
        ["nasnet_tf.draw", "NASNET_A", "--oot=x.svg"],
        "Unknown command line flag 'oot'",
    ),
    "unknown operation": (
        ["nasnet_tf.draw", "bad.json", "--out=x.svg"],
        "genotype file bad.json: normal cell, block 0, left, operation: "
        "'sep_9x9' is unknown",
    ),
}
BAD = (
    '{"name": "bad", "normal": {"blocks": [{"left": ["sep_9x9", 0], '
    '"right": ["identity", 0]}], "outputs": [[2]]}, "reduction": {}}'
)


@pytest.mark.parametrize("case", COMMANDS)
def test_bad_input_is_one_line_and_exit_code_2(case, tmp_path):
    arguments, message = COMMANDS[case]
    (tmp_path / "bad.json").write_text(BAD)
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("TF_")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    # TensorFlow's own messages would stand here too.
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"error: {message}")
    assert not (tmp_path / "x.svg").exists()
