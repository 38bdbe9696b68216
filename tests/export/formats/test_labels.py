import pytest

from export.formats.labels import check_labels, labels_text, read_labels
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of


def written(folder, text, encoding="utf-8"):
    path = folder / "names.txt"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_line_for_each_class(tmp_path, encoding):
    path = written(tmp_path, "Bär\r\n wild  cat\ncrane\ncrane\n\n", encoding)
    assert read_labels(path, 4) == ["Bär", "wild  cat", "crane", "crane"]
    assert labels_text(["Bär", " wild  cat"]) == "Bär\nwild cat\n"


@pytest.mark.parametrize(
    "text, line",
    {
        "a\nb\n": "names 2 classes, and the network has 3",
        "a\n\nc\n": "the name of class 1 in",
        "a\nb\u2028b\nc": "has a line break",
    }.items(),
)
def test_refused(tmp_path, text, line):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_labels(path, 3)
    assert str(caught.value).startswith("labels: ")
    assert line in line_of(caught) and str(path) in line_of(caught)


def test_no_text(tmp_path):
    path = written(tmp_path, "Bär", "latin-1")
    for wrong in (path, tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError) as caught:
            read_labels(wrong, 3)
        assert "cannot be read as text" in line_of(caught)


def test_line_breaks_of_a_model():
    with pytest.raises(InputError) as caught:
        check_labels(["a", "b\nc"], 2)
    assert "class 1 in the model has a line break: 'b" in line_of(caught)
    with pytest.raises(InputError) as caught:
        check_labels(["a", "b"], 3)
    assert "the model names 2 classes, and the network has" in line_of(caught)
