"""``data check`` on the command line."""

import pytest

from course_lib.__main__ import main


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
