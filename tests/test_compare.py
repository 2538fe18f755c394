"""Tables of networks: trained once, gone on with, put together, kept whole."""

import json

import pytest

from course_lib.data.harbour import Harbour
from course_lib.errors import InputError
from course_lib.models import build
from course_lib.paths import results_dir
from course_lib.show.cards import table as table_of_text
from course_lib.training import compare
from course_lib.training.recipe import Recipe
from course_lib.training.stream import Cached
from course_lib.training.tables import CAMVID, HARBOUR, TABLES, Entry, Table, plan

TINY = Entry("tiny", "fcn32s_small", {"width": 2})
OTHER = Entry("other", "fcn16s_small", {"width": 2})
TABLE = Table(
    dataset="harbour",
    recipe={"batch_size": 2, "lr": 1e-3},
    lengths={"equal steps": {"steps": 4}, "equal time": {"cpu_seconds": 0.05}},
    entries=(TINY, OTHER),
    thin_class="mast",
    not_trained=("giant",),
)
SETS = Cached(Harbour("train", 4)), Cached(Harbour("test", 2))
RESULT = ("mean_iou", "class_iou", "boundary_iou", "class_boundary_iou",
          "pixel_accuracy", "void_counted", "steps", "cpu_seconds")  # fmt: skip


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "RUNS", tmp_path)


def trained(column="equal steps", seed=0, entry=TINY):
    return compare.train_one(
        TABLE, column, seed, entry, *SETS, "float32", say=lambda line: None
    )


def test_seeds_come_before_networks():
    order = [(c, s, e.net) for c, s, e in plan(TABLE, [0, 1], ["equal steps"])]
    assert order == [
        ("equal steps", seed, net) for seed in (0, 1) for net in ("tiny", "other")
    ]


def test_what_is_done_is_not_trained_again(monkeypatch):
    first = trained()
    assert first["steps"] == 4 and 0 <= first["mean_iou"] <= 1
    monkeypatch.setattr(compare, "train", None)  # would fail if it were called
    assert trained() == first


def test_a_stopped_training_goes_on_to_the_same_result(monkeypatch):
    whole = trained(seed=1)
    place = compare.folder(TABLE, "equal steps", 1, TINY)
    (place / "result.json").unlink()
    (place / "last.pt").unlink()
    train, Stop = compare.train, type("Stop", (Exception,), {})

    def stopped_in_the_middle(*args, **options):
        def say(line):
            raise Stop

        train(*args, **options | {"say": say})

    monkeypatch.setattr(compare, "train", stopped_in_the_middle)
    with pytest.raises(Stop):
        trained(seed=1)
    monkeypatch.setattr(compare, "train", train)
    again = trained(seed=1)
    assert all(again[key] == whole[key] for key in whole if key != "cpu_seconds")


def test_equal_time_is_the_time_of_the_fastest_run_of_equal_steps():
    with pytest.raises(InputError, match="tiny has no run of equal steps"):
        trained("equal time")
    for seed, seconds in enumerate((0.5, 0.1, 0.2)):
        place = compare.folder(TABLE, "equal steps", seed, TINY)
        place.mkdir(parents=True)
        (place / "result.json").write_text(
            json.dumps({"cpu_seconds": seconds, "steps": 10})
        )
    assert compare.step_seconds(TABLE, TINY) == pytest.approx(0.01)
    assert trained("equal time")["steps"] == 5


def test_a_run_of_another_length_keeps_its_proportions():
    usual = Recipe("small_vgg", steps=800)
    keys = ("steps", "warmup_iters", "average")
    assert compare.in_proportion(800.2) == {k: getattr(usual, k) for k in keys}
    assert compare.in_proportion(200)["average"] == 0.98
    Recipe("small_vgg", **compare.in_proportion(2))  # however short


def test_rows_hold_what_there_is_and_name_what_is_not():
    result = trained()
    done, missing, never = compare.rows(TABLE, [0, 1, 2], (96, 128))
    del result["recipe"]
    assert done["runs"] == {"equal steps": {"0": result}}
    assert done["params"] == sum(p.numel() for p in compare.net_of(
        TABLE, "equal steps", 0, TINY).parameters())  # fmt: skip
    assert done["flops"] > 0 and set(RESULT) <= set(result)
    assert list(result["iou_by_width"]) == ["to 2 px", "to 4 px", "to 8 px", "wider"]
    for row, net in ((missing, "other"), (never, "giant")):
        assert row == {"net": net, "status": "not trained"}


def test_scores_without_a_pixel_are_none_and_not_nan():
    result = trained()
    json.loads(json.dumps(result), parse_constant=pytest.fail)


def test_a_summary_is_a_table():
    runs = {str(s): {"mean_iou": m, "steps": 9} for s, m in enumerate((0.5, 0.6, 0.7))}
    card = {"rows": [
        {"net": "a", "params": 1, "flops": 2, "runs": {"equal steps": runs}},
        {"net": "b", "status": "not trained"},
    ]}  # fmt: skip
    [row] = compare.summary(card, "equal steps")
    assert row["mean_iou"] == "60.0 (50.0-70.0)" and row["steps"] == 9
    assert "60.0 (50.0-70.0)" in table_of_text([row], ["net", "mean_iou"])
    assert compare.spread([0.25]) == "25.0"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_entry_is_a_network_with_a_folder_of_its_own(name):
    table = TABLES[name]
    assert len({entry.key for entry in table.entries}) == len(table.entries)
    shipped = [entry.model for entry in table.entries if entry.shipped]
    assert len(set(shipped)) == len(shipped)
    for entry in table.entries:
        build(entry.model, 12, **entry.options)


def kept(name: str) -> dict:
    file = results_dir() / f"table_{name}.json"
    return json.loads(file.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_kept_table_says_all_it_must(name):
    card = kept(name)
    for key in ("dataset", "split", "num_pictures", "resolution", "recipe", "lengths",
                "precision", "threads", "hardware", "versions", "commit",
                "split_hash", "command"):  # fmt: skip
        assert card[key], key
    entries = {entry.net: entry for entry in TABLES[name].entries}
    for row in card["rows"]:
        if "status" in row:
            assert row["status"] == "not trained"
            continue
        entry = entries[row["net"]]
        assert (row["model"], row["options"]) == (
            entry.model,
            json.loads(json.dumps(entry.options)),
        )
        net = build(entry.model, len(kept_classes(card)), **entry.options)
        assert row["params"] == sum(p.numel() for p in net.parameters())
        for seeds in row["runs"].values():
            for result in seeds.values():
                assert set(RESULT) <= set(result)
                assert 0 < result["mean_iou"] < 1


def kept_classes(card: dict) -> list[str]:
    done = next(row for row in card["rows"] if "runs" in row)
    [first, *_] = done["runs"].values()
    return list(first["0"]["class_iou"])


def test_the_harbours_table_has_three_seeds_at_equal_steps_and_time():
    rows = {row["net"]: row for row in kept("harbour")["rows"]}
    for net in ("FCN-32s", "FCN-16s", "FCN-8s", "ResNet-18-32s", "ResNet-18-16s",
                "ResNet-18-8s", "PSP-ResNet-18-8s",
                "DeepLabV3+-ResNet-18-16s"):  # fmt: skip
        assert set(rows[net]["runs"]) == set(HARBOUR.lengths)
        for column, seeds in rows[net]["runs"].items():
            assert set(seeds) == {"0", "1", "2"}
            steps = {each["steps"] for each in seeds.values()}
            assert len(steps) == 1
            assert steps == {800} or column == "equal time"


def test_three_networks_at_least_completed_camvids_30_epochs():
    rows = [row for row in kept("camvid")["rows"] if "runs" in row]
    assert len(rows) >= 3
    for row in rows:
        [result] = row["runs"]["30 epochs"].values()
        assert result["steps"] == 30 * (367 // CAMVID.recipe["batch_size"])
        assert set(result["iou_by_width"]) == {"to 2 px", "to 4 px", "to 8 px", "wider"}
