"""``evaluate-detections``: COCO's figures, and one sentence for what is damaged."""

import copy
import json

import pytest
from coco_cases import pycocotools_says, random_case

from course_lib.__main__ import main

SEED = 14
DROP = object()


def write(folder, truth, results):
    files = folder / "instances.json", folder / "results.json"
    for file, content in zip(files, (truth, results), strict=True):
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return files


def command(folder, truth, results, *words):
    annotations, found = write(folder, truth, results)
    words = ["--annotations", str(annotations), "--results", str(found), *words]
    return main(["evaluate-detections", *words])


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_stats_are_those_of_pycocotools(tmp_path, capsys, iou_type):
    truth, results = random_case(SEED, masks=True)
    assert command(tmp_path, truth, results, "--json", "--iou-type", iou_type) == 0
    report = json.loads(capsys.readouterr().out)
    judge = pycocotools_says(truth, results, iou_type)
    assert report["stats"] == pytest.approx(judge.stats.tolist(), abs=1e-9)
    assert report["AP50"] == report["stats"][1]
    assert report["AR_large"] == report["stats"][11]
    assert set(report["per_class"]) == {c["name"] for c in truth["categories"]}


def test_the_table_is_in_per_cent(tmp_path, capsys):
    truth, _ = random_case(SEED)
    perfect = [
        {**row, "score": 1} for row in truth["annotations"] if not row["iscrowd"]
    ]
    assert command(tmp_path, truth, perfect) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "AP                         100.0" in lines
    assert lines[0] == f"{len(truth['images'])} pictures, in per cent"


@pytest.mark.parametrize(
    "row, key, value, words",
    [
        ("results", "score", float("nan"), "'score' of results.json[3] is nan; give a"),
        ("results", "score", float("inf"), "'score' of results.json[3] is inf"),
        ("results", "score", "0.5", "is '0.5'; give a finite number"),
        ("results", "score", None, "is None; give a finite number"),
        ("results", "score", DROP, "results.json[3] has no 'score'"),
        ("results", "bbox", [1, 2, 3], "is [1, 2, 3]; give 4 finite numbers"),
        ("results", "bbox", [1, 2, 3, 4, 5], "give 4 finite numbers"),
        ("results", "bbox", [1, 2, 3, float("nan")], "give 4 finite numbers"),
        ("results", "bbox", [1, 2, 3, 10**400], "give 4 finite numbers"),
        ("results", "bbox", [1, 2, -3, 4], "a negative size or lies"),
        ("results", "bbox", [1, 2, 3, 1e200], "beyond any picture; give x, y, width"),
        ("results", "bbox", DROP, "results.json[3] has no 'bbox'"),
        ("results", "image_id", 999, "is 999, no picture of instances.json"),
        ("results", "image_id", "7", "is '7', no picture of instances.json"),
        ("results", "image_id", [7], "'image_id' of results.json[3] is [7]"),
        ("results", "image_id", DROP, "results.json[3] has no 'image_id'"),
        ("results", "category_id", DROP, "results.json[3] has no 'category_id'"),
        ("annotations", "bbox", DROP, "instances.json: annotations[3] has no 'bbox'"),
        ("annotations", "area", DROP, "annotations[3] has no 'area'"),
        ("annotations", "area", float("nan"), "'area' of instances.json: annot"),
        ("annotations", "iscrowd", DROP, "annotations[3] has no 'iscrowd'"),
        ("annotations", "iscrowd", "no", "is 'no'; give a finite number"),
        ("annotations", "image_id", DROP, "annotations[3] has no 'image_id'"),
        ("annotations", "category_id", DROP, "annotations[3] has no 'category_id'"),
        ("annotations", "id", DROP, "an 'id' of instances.json: annotations is miss"),
        ("annotations", "id", 1, "id 1 of instances.json: annotations stands twice"),
    ],
)
def test_a_damaged_row_is_named(tmp_path, capsys, row, key, value, words):
    truth, results = copy.deepcopy(random_case(SEED))
    rows = results if row == "results" else truth["annotations"]
    if key == "id" and value == 1:
        rows[0]["id"] = 1
    if value is DROP:
        del rows[3][key]
    else:
        rows[3][key] = value
    assert command(tmp_path, truth, results, "--json") == 2
    out, err = capsys.readouterr()
    assert words in err and out == "" and err.count("\n") == 1


@pytest.mark.parametrize(
    "truth, results, words",
    [
        ("{", "[]", "instances.json is not JSON"),
        ("{}", "[]", "instances.json: no list 'images'; give COCO instances"),
        ("[]", "[]", "instances.json: no list 'images'"),
        ("3", "[]", "instances.json: no list 'images'"),
        ('{"images": [], "categories": []}', "[]", "no list 'annotations'"),
        ('{"images": [{}]}', "[]", "the ids of 'images' cannot be read"),
        ('{"images": [{"id": 1}, {"id": "a"}]}', "[]", "the ids of 'images' cannot"),
        ('{"images": [{"id": 1}, {"id": 1}]}', "[]", "id 1 stands twice in 'images'"),
        (None, "", "results.json is not JSON"),
        (None, "{}", "results.json is a dict; give a list of results"),
        (None, "[3]", "results.json[0] is 3; give a dict"),
        (None, "[" * 100_000, "results.json is not JSON"),
        (None, "[" + "9" * 5000 + "]", "results.json is not JSON"),
        (None, '[{"image_id": 1', "results.json is not JSON"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, capsys, truth, results, words):
    truth = random_case(SEED)[0] if truth is None else truth
    assert command(tmp_path, truth, results) == 2
    out, err = capsys.readouterr()
    assert words in err and out == "" and err.count("\n") == 1


def test_a_missing_file_and_a_picture_are_no_json(tmp_path, capsys):
    truth, results = write(tmp_path, *random_case(SEED))
    words = ["evaluate-detections", "--annotations", str(tmp_path / "none.json")]
    assert main([*words, "--results", str(results)]) == 2
    assert "none.json cannot be read (No such file" in capsys.readouterr().err
    results.write_bytes(bytes(range(256)))
    assert main([*words[:2], str(truth), "--results", str(results)]) == 2
    assert "results.json is not JSON" in capsys.readouterr().err


def test_results_of_other_categories(tmp_path, capsys):
    truth, results = random_case(SEED)
    known = results[0]["category_id"]
    for row in results:
        row["category_id"] += 100
    assert command(tmp_path, truth, results) == 2
    assert "nor is any other there; bring both" in capsys.readouterr().err
    results[0]["category_id"] = known
    assert command(tmp_path, truth, results, "--json") == 0
    out, err = capsys.readouterr()
    assert f"Note: {len(results) - 1} result(s) of categories" in err
    judge = pycocotools_says(truth, results)
    assert json.loads(out)["stats"] == pytest.approx(judge.stats.tolist(), abs=1e-9)


def test_what_the_judge_passes_over_is_remarked(tmp_path, capsys):
    truth, results = random_case(SEED)
    gone = truth["annotations"][0]["image_id"]
    truth["images"] = [row for row in truth["images"] if row["id"] != gone]
    results = [row for row in results if row["image_id"] != gone][:1]
    truth["annotations"][-1]["id"] = 0
    assert command(tmp_path, truth, results, "--iou-type", "bbox") == 0
    err = capsys.readouterr().err
    assert "annotation(s) of pictures or categories that are not listed" in err
    assert "picture(s) without results: their objects count as missed" in err
    assert "1 annotation with id 0" in err


def test_no_results_at_all(tmp_path, capsys):
    truth, _ = random_case(SEED)
    assert command(tmp_path, truth, [], "--json") == 0
    stats = json.loads(capsys.readouterr().out)["stats"]
    assert set(stats) <= {0, -1} and stats[0] == 0
