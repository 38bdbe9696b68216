"""Pascal VOC's XML files."""

import json

import pytest

from detection.data import checks, image_checks
from detection.data.annotations import read_annotations
from detection.data.conversion import convert_coco
from detection.data.problems import DataError
from detection.evaluation.ground_truth import read_ground_truth
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.data.test_records import decoded

OBJECT = """
  <object>
    <name>{name}</name>{more}
    <bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax>
    </bndbox>
  </object>"""
DIFFICULT = "<difficult>1</difficult>"


def thing(name, *box, more=""):
    return OBJECT.format(*box, name=name, more=more)


def write_voc(folder, files):
    """Writes three images and XML files by the names of images."""
    images, annotations = folder / "JPEGImages", folder / "Annotations"
    for place in (images, annotations):
        place.mkdir(exist_ok=True)
    for number in (1, 2, 5):
        photo(number).save(images / f"{number:06}.jpg", quality=95)
    for name, objects in files.items():
        (annotations / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename>"
            "<size><width>48</width><height>40</height><depth>3</depth></size>"
            f"{objects}</annotation>"
        )
    return images, annotations


def voc_set(folder):
    return write_voc(
        folder,
        {
            "000005": thing("dog", 1, 1, 48, 40),
            "000001": thing("dog", 11, 6, 20, 25)
            + thing("cat", "2.0", 3, 4, 5, more=DIFFICULT),
            "000002": "",
        },
    )


def test_boxes_count_from_1_and_have_their_last_pixels(tmp_path):
    images, annotations = voc_set(tmp_path)
    data = read_annotations(annotations, images)
    assert data.format == "voc"
    assert data.categories == {1: "cat", 2: "dog"}
    assert [image.id for image in data.images] == [1, 2, 5]
    dog, cat = data.images[0].annotations
    assert (dog.category_id, dog.box) == (2, (5, 10, 25, 20))
    assert (dog.area, dog.is_crowd) == (200, False)
    assert (cat.box, cat.is_crowd) == ((2, 1, 5, 4), True)
    assert data.images[1].annotations == ()
    (whole,) = data.images[2].annotations
    assert whole.box == (0, 0, 40, 48)


def test_records_and_a_coco_file_for_the_evaluation(tmp_path):
    images, annotations = voc_set(tmp_path)
    data, written = convert_coco(images, annotations, tmp_path / "out", "val")
    assert written.annotations == tmp_path / "out" / "annotations-val.json"
    # A job names its records so, and reads all that it finds.
    records = (tmp_path / "out").glob("val*")
    assert sorted(records) == sorted(written.paths)
    example = decoded(written.paths)[1]
    assert example["groundtruth_classes"].tolist() == [2, 1]
    assert example["groundtruth_is_crowd"].tolist() == [False, True]
    # It is the same set.
    read_ground_truth(written.annotations)
    again = read_annotations(written.annotations, images)
    assert again.images == data.images
    assert again.categories == data.categories
    listed = json.loads((tmp_path / "out" / "categories.json").read_text())
    assert listed[1] == {"id": 2, "name": "dog", "label": 2}


def test_names_can_be_given(tmp_path):
    images, annotations = voc_set(tmp_path)
    labels = tmp_path / "labels.txt"
    labels.write_text("\ufeffdog\nbird\ncat\n\n", encoding="utf-8")
    data = read_annotations(annotations, images, labels=labels)
    assert data.categories == {1: "dog", 2: "bird", 3: "cat"}
    assert data.unused_categories == [2]
    labels.write_text("dog\n")
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images, labels=labels)
    assert "unknown: 1 (000001.xml, object 2: 'cat')" in line_of(error)
    labels.write_text("dog\ndog\n")
    with pytest.raises(InputError, match=r"^labels: .* or one twice"):
        read_annotations(annotations, images, labels=labels)


def test_sets_with_other_names_are_told_of_labels(tmp_path):
    images, annotations = voc_set(tmp_path)
    out = tmp_path / "out"
    convert_coco(images, annotations, out)
    (annotations / "000001.xml").unlink()
    with pytest.raises(InputError) as error:
        convert_coco(images, annotations, out, "val")
    assert line_of(error).endswith("its own, or --labels for all sets")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation>", "no element found"),
        ("", "no element found"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
            "a DOCTYPE or an ENTITY, which are not read",
        ),
        ('<?xml version="1.0" encoding="nothing"?><a/>', "not in nothing"),
        ("<annotation>\0</annotation>", "not well-formed"),
    ],
)
def test_files_that_are_no_plain_xml(tmp_path, text, words):
    images, annotations = voc_set(tmp_path)
    (annotations / "000005.xml").write_text(text)
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {checks.FILE: 1}
    assert f"(000005.xml: {words}" in line_of(error)
    data = read_annotations(annotations, images, skip_bad=True)
    assert [image.id for image in data.images] == [1, 2]
    assert data.dropped_images == 1


def test_a_doctype_in_another_encoding_is_seen(tmp_path):
    images, annotations = voc_set(tmp_path)
    head = b'<?xml version="1.0" encoding="cp037"?>'
    rest = '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    file = annotations / "000005.xml"
    for content in (head + rest.encode("cp037"), rest.encode("utf-16")):
        file.write_bytes(content)
        with pytest.raises(DataError) as error:
            read_annotations(annotations, images)
        assert error.value.problems.counts == {checks.FILE: 1}


def test_names_in_another_encoding(tmp_path):
    images, annotations = write_voc(tmp_path, {"000001": ""})
    text = (
        '<?xml version="1.0" encoding="gbk"?><annotation><filename>000001.jpg'
        f"</filename>{thing('狗', 1, 1, 9, 9)}</annotation>"
    )
    (annotations / "000001.xml").write_bytes(text.encode("gbk"))
    data = read_annotations(annotations, images)
    assert data.categories == {1: "狗"}
    # Without a size it is the file's.
    assert (data.images[0].width, data.images[0].height) == (48, 40)


@pytest.mark.parametrize(
    ("row", "kind", "shown"),
    [
        (thing("dog", 1, 1, 90, 9), checks.OUTSIDE, "object 1: [0.0, 0.0, 90."),
        (thing("dog", 9, 9, 1, 12), checks.EMPTY, "object 1: [8.0"),
        (
            thing("dog", 9, 9, "x", 12),
            checks.NO_BOX,
            "object 1: ['9', '9', 'x'",
        ),
        ("<object><name>dog</name></object>", checks.NO_BOX, "object 1: [None"),
        (thing("", 9, 9, 12, 12), checks.CATEGORY_UNKNOWN, "object 1: None"),
        (
            thing("dog", 9, 9, "nan", 12),
            checks.NO_BOX,
            "object 1: [8.0, 8.0, n",
        ),
    ],
)
def test_bad_objects_are_named_by_their_file(tmp_path, row, kind, shown):
    images, annotations = write_voc(
        tmp_path, {"000001": row, "000002": thing("dog", 1, 1, 9, 9)}
    )
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {kind: 1}
    assert f"(000001.xml, {shown}" in line_of(error)
    data = read_annotations(annotations, images, skip_bad=True)
    assert data.dropped_annotations == 1


def test_images_are_found_by_the_names_of_files_too(tmp_path):
    images, annotations = write_voc(
        tmp_path,
        {"000001": thing("dog", 1, 1, 9, 9), "000002": "", "000005": ""},
    )
    for name, said in (
        ("000001", ""),
        ("000002", "000002"),
        ("000005", "x.jpg"),
    ):
        file = annotations / f"{name}.xml"
        text = file.read_text().replace(f">{name}.jpg<", f">{said}<")
        file.write_text(text)
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {image_checks.MISSING: 1}
    assert "(x.jpg)" in line_of(error)
    data = read_annotations(annotations, images, skip_bad=True)
    names = [image.file_name for image in data.images]
    assert names == ["000001.jpg", "000002.jpg"]
    file.write_text(file.read_text().replace("x.jpg", "../000005.jpg"))
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {image_checks.OUTSIDE_FOLDER: 1}


def test_folders_without_annotations_are_one_line(tmp_path):
    images, annotations = write_voc(tmp_path, {"000001": ""})
    with pytest.raises(InputError, match="has no object with a name in"):
        read_annotations(annotations, images)
    (annotations / "000001.xml").unlink()
    with pytest.raises(InputError, match=r"neither \.xml files, as Pascal"):
        read_annotations(annotations, images)
    with pytest.raises(InputError, match=r"is no folder with \.xml files"):
        read_annotations(annotations, images, format="voc")
    with pytest.raises(InputError, match="format: 'pascal' is unknown"):
        read_annotations(annotations, images, format="pascal")
