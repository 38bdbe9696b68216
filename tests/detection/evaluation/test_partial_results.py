"""Predictions that were stopped go on, and those of another run do not."""

import pytest
from PIL import Image

from detection.evaluation.prediction import predict
from tests.detection.results import (
    FILES,
    FakeDetector,
    install,
)


class _Stopped(FakeDetector):
    """Is interrupted at an image."""

    at = 14

    def detect(self, image):
        if int(image[0, 0, 0]) == self.at:
            raise KeyboardInterrupt
        return super().detect(image)


def test_a_stopped_run_goes_on(tmp_path, dataset, images, monkeypatch, capsys):
    install(monkeypatch, FakeDetector(dataset))
    expected = predict("m", images, tmp_path / "whole")
    stopped, out = _Stopped(dataset), tmp_path / "out"
    install(monkeypatch, stopped)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            predict("m", images, out)
    assert stopped.seen == [11, 12, 13]
    with (out / "predictions.jsonl").open("a") as file:
        file.write('{"name": "000014.png", "ma')
    (out / "drawn" / "000012.jpg").unlink()
    Image.open(images / "000013.png").save(images / "000013.png")
    detector = FakeDetector(dataset)
    install(monkeypatch, detector)
    capsys.readouterr()
    assert predict("m", images, out) == expected
    assert detector.seen == [12, 13, 14, 15, 16]
    assert capsys.readouterr().err.startswith(
        "1 of 6 images were done before the last run was stopped "
        f"({out / 'predictions.jsonl'}); going on\n"
    )
    assert {path.name for path in out.iterdir()} == FILES
    for path in out.rglob("*.*"):
        other = tmp_path / "whole" / path.relative_to(out)
        assert path.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("change", ["model", "min_score", "name"])
def test_another_run_begins_anew(
    tmp_path, dataset, images, monkeypatch, capsys, change
):
    stopped, out = _Stopped(dataset), tmp_path / "out"
    model = tmp_path / "model.tflite"
    model.write_bytes(b"1")
    install(monkeypatch, stopped)
    with pytest.raises(KeyboardInterrupt):
        predict(model, images, out)
    (images / "000011.png").unlink()
    if change == "model":
        model.write_bytes(b"22")
    score = 0.46 if change == "min_score" else 0.5
    detector = FakeDetector(dataset)
    if change == "name":
        detector.name = "checkpoint ckpt-60 of runs/x"
    install(monkeypatch, detector)
    capsys.readouterr()
    predict(model, images, out, min_score=score)
    assert detector.seen == [12, 13, 14, 15, 16]
    assert "; beginning anew\n" in capsys.readouterr().err
    # What the stopped run drew of an image that is gone.
    assert not (out / "drawn" / "000011.jpg").exists()
