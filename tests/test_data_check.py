"""``data check`` on the command line."""

import pytest

from course_lib.__main__ import main
from course_lib.data.harbour import Harbour, export


@pytest.mark.real
def test_data_check_prints_the_classes(real_data, capsys):
    folder = str(real_data / "camvid")
    words = ["data", "check", "--dataset", "camvid", "--data", folder, "--limit", "5"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("camvid: 5 label pictures (5 of 480x360)")
    assert "sign symbol" in printed and folder not in printed


def test_data_check_of_nothing(capsys):
    assert main(["data", "check"]) == 2
    assert "needs --dataset NAME, or your own --images" in capsys.readouterr().err


def test_options_of_a_reader_are_given_by_name(tmp_path, capsys):
    export(Harbour("train", count=3, size=(48, 64)), tmp_path / "lfw", "lfw_parts")
    words = ["data", "check", "--dataset", "lfw_parts", "--data", str(tmp_path / "lfw")]
    assert main([*words, "--option", "validation=1"]) == 0
    assert capsys.readouterr().out.startswith("lfw_parts: 2 label pictures")
    export(Harbour("train", count=3, size=(48, 64)), tmp_path / "voc", "voc")
    words = ["data", "check", "--dataset", "voc_detection"]
    words += ["--data", str(tmp_path / "voc"), "--classes", "harbour"]
    assert main(words) == 0
    assert "3 pictures" in capsys.readouterr().out
    assert main([*words, "--option", "masc=1"]) == 2
    assert "voc_detection has no option masc; leave it out" in capsys.readouterr().err
    assert main([*words, "--option", "masks"]) == 2
    assert '"masks" is not NAME=VALUE' in capsys.readouterr().err
