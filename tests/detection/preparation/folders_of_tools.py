"""Folders as tools leave them: the same pictures and boxes in each."""

import json
import shutil

from tests.data.image_sets import photo

SIZE = (48, 40)
CATEGORIES = ["car", "dog"]
# Name, and category and box (x, y, width, height) of each object.
PICTURES = {
    f"p{number}": [(number % 2, (4 + number, 6, 20, 10))] for number in range(5)
} | {"empty": []}
TRAINING, VALIDATION = list(PICTURES)[:4], list(PICTURES)[4:]


def write_pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        number = list(PICTURES).index(name)
        photo(number, (SIZE[1], SIZE[0])).save(folder / f"{name}.png")


def write_coco(path, names, prefix=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = {name: number for number, name in enumerate(names)}
    content = {
        "images": [
            {
                "id": ids[name],
                "file_name": f"{prefix}{name}.png",
                "width": SIZE[0],
                "height": SIZE[1],
            }
            for name in names
        ],
        "annotations": [
            {
                "id": 10 * ids[name] + n,
                "image_id": ids[name],
                "category_id": category,
                "bbox": list(box),
            }
            for name in names
            for n, (category, box) in enumerate(PICTURES[name])
        ],
        "categories": [
            {"id": n, "name": name} for n, name in enumerate(CATEGORIES)
        ],
    }
    path.write_text(json.dumps(content))


def write_voc(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        objects = "".join(
            f"<object><name>{CATEGORIES[c]}</name><bndbox>"
            f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
            f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for c, (x, y, w, h) in PICTURES[name]
        )
        (folder / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><size>"
            f"<width>{SIZE[0]}</width><height>{SIZE[1]}</height></size>"
            f"{objects}</annotation>"
        )


def write_yolo(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        lines = [
            f"{c} {(x + w / 2) / SIZE[0]} {(y + h / 2) / SIZE[1]} "
            f"{w / SIZE[0]} {h / SIZE[1]}\n"
            for c, (x, y, w, h) in PICTURES[name]
        ]
        (folder / f"{name}.txt").write_text("".join(lines))


def coco_flat(root):
    write_pictures(root, PICTURES)
    write_coco(root / "result.json", list(PICTURES))


def coco_beside(root):
    write_pictures(root / "images", PICTURES)
    write_coco(root / "annotations.json", list(PICTURES))
    # Of another tool.
    (root / "settings.json").write_text('{"images": 3}')


def voc(root):
    write_pictures(root / "JPEGImages", PICTURES)
    write_voc(root / "Annotations", PICTURES)


def yolo(root):
    write_pictures(root / "images", PICTURES)
    write_yolo(root / "labels", PICTURES)
    (root / "classes.txt").write_text("\n".join(CATEGORIES))


def roboflow_coco(root):
    for folder, names in (("train", TRAINING), ("valid", VALIDATION)):
        write_pictures(root / folder, names)
        write_coco(root / folder / "_annotations.coco.json", names)
    shutil.copytree(root / "valid", root / "test")


def published_coco(root):
    for folder, names in (("train2017", TRAINING), ("val2017", VALIDATION)):
        write_pictures(root / folder, names)
        write_coco(root / f"annotations/instances_{folder}.json", names)


def roboflow_voc(root):
    for folder, names in (("train", TRAINING), ("valid", VALIDATION)):
        write_pictures(root / folder, names)
        write_voc(root / folder, names)


def roboflow_yolo(root):
    for folder, names in (("train", TRAINING), ("valid", VALIDATION)):
        write_pictures(root / folder / "images", names)
        write_yolo(root / folder / "labels", names)
    (root / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\nnc: 2\n"
        f"names: {json.dumps(CATEGORIES)}\n"
    )


def ultralytics(root):
    for folder, names in (("train", TRAINING), ("val", VALIDATION)):
        write_pictures(root / "images" / folder, names)
        write_yolo(root / "labels" / folder, names)
    (root / "classes.txt").write_text("\n".join(CATEGORIES))


WHOLE = (coco_flat, coco_beside, voc, yolo)
PARTED = (
    roboflow_coco,
    published_coco,
    roboflow_voc,
    roboflow_yolo,
    ultralytics,
)
