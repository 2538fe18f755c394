"""How long the checkers take over all labels of CamVid and of Penn-Fudan."""

import pytest

from course_lib.data.checker import check_labels
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.paths import data_dir

GROUP = "every label of a set checked"


@pytest.fixture(scope="module")
def folder():
    if data_dir() is None:
        pytest.skip("COURSE_DATA is unset: no real data to check")
    return data_dir()


@pytest.mark.benchmark(group=GROUP)
def test_camvid(benchmark, folder):
    splits = [CamVid(folder / "camvid", split) for split in ("train", "val", "test")]
    benchmark.extra_info["pictures"] = sum(map(len, splits))
    benchmark.pedantic(lambda: [check_labels(split, 11) for split in splits], rounds=3)


@pytest.mark.benchmark(group=GROUP)
def test_penn_fudan(benchmark, folder):
    dataset = PennFudan(folder / "PennFudanPed")
    benchmark.extra_info["pictures"] = len(dataset)
    report = benchmark.pedantic(check_objects, args=(dataset,), rounds=3)
    assert len(report.remarks) == 1
