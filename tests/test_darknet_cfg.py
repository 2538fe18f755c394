"""cfg files: read, written, planned; what cannot be ends in one sentence."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.detection.darknet.cfg import cfg_text, parse_cfg, parse_text, write_cfg
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.plan import plan
from course_lib.errors import InputError

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters={f}\nsize=3\nstride={s}\npad=1\nactivation=leaky\n"
YOLO = "[yolo]\nmask=0,1\nanchors=8,8, 16,16, 30,30\nnum=3\nclasses=2\n"
TINY = NET + CONV.format(f=8, s=2) + CONV.format(f=14, s=2) + YOLO


def test_comments_spaces_and_line_ends_as_darknet_reads_them():
    text = (
        "# a net\r\n[net]\r\n width = 64 # pixels\r\n;old\r\nheight=64\r\n\r\n[avgpool]"
    )
    net, pool = parse_text(text.replace("\r\n", "\n"), "a.cfg")
    assert net.options == {"width": "64", "height": "64"}
    assert (pool.kind, pool.where) == ("avgpool", "a.cfg, line 7, layer 0 [avgpool]")


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    (tmp_path / "a.cfg").write_bytes(
        b"\xef\xbb\xbf" + TINY.replace("\n", "\r\n").encode()
    )
    assert [s.kind for s in parse_cfg(tmp_path / "a.cfg")][-1] == "yolo"


words = st.text("abcdefgh_", min_size=1, max_size=6)
values = st.text("0123456789,.-abc", min_size=1, max_size=12).map(str.strip)
options = st.dictionaries(words, values, max_size=4)


@given(st.lists(st.tuples(words, options), max_size=6))
def test_what_is_written_is_read_again(parts):
    text = "".join(
        f"[{kind}]\n" + "".join(f"{k} = {v}\n" for k, v in each.items())
        for kind, each in [("net", {}), *parts]
    )
    sections = parse_text(text)
    again = parse_text(cfg_text(sections))
    assert [(s.kind, s.options) for s in again] == [
        (s.kind, s.options) for s in sections
    ]
    assert [s.options for s in sections[1:]] == [each for _, each in parts]


def test_a_written_file_builds_the_same_net(tmp_path):
    write_cfg(parse_text(TINY), tmp_path / "b.cfg")
    net = Darknet(parse_cfg(tmp_path / "b.cfg"))
    (out,) = net(torch.zeros(2, 3, 32, 64))
    assert out.shape == (2, 14, 8, 16)
    (head,) = net.heads
    assert (head.anchors, head.stride, head.num_classes) == (((8, 8), (16, 16)), 4, 2)


WRONG = {
    "": "has no section",
    "width=3\n": "line 1 stands before any section",
    "[yolo]\n": "begins with [yolo]",
    "[net]\nwidth\n": "line 2: width is not key=value",
    "[net\n": "opens no section",
    "[net]\nwidth=1\nwidth=2\n": "given twice in [net], as 1 and 2",
    NET: "is the only section",
    NET + "[transformer]\n": "layer 0 [transformer] is of no kind known",
    NET.replace("64", "10" + 30 * "0", 1) + "[avgpool]": "give whole numbers",
    NET.replace("64", "0", 1) + "[avgpool]": "width=0; give 1 to",
    NET.replace("64", "99999999") + "[avgpool]": "cannot be",
    NET.replace("64", "6٤") + "[avgpool]": "give whole numbers",
    NET + CONV.format(f=0, s=1): "filters=0; give 1",
    NET + CONV.format(f=-3, s=1): "filters=-3; give 1",
    NET + CONV.format(f=8, s=0): "stride=0; give 1",
    NET + CONV.format(f="", s=1): "filters=; give one number",
    NET + CONV.format(f="8,9", s=1): "filters=8,9; give one number",
    NET + CONV.format(f=8, s=1) + "groups=2\n": "groups=2; it must divide 3 channels",
    NET + CONV.format(f=8, s=1).replace("leaky", "magic"): "known are linear, leaky",
    NET + CONV.format(f=8, s=1) + "xnor=1\n": "xnor=1; this is not supported",
    NET + (CONV.format(f=60000, s=1) + "\n") * 3: "too large",
    NET + "[maxpool]\nsize=2\nstride=2\npadding=9\n": "padding=9; give 0 to 2",
    NET + "[convolutional]\nsize=60\nstride=64\nfilters=3\n" * 2: "leaves a map",
    NET + "[upsample]\nstride=64\n" * 9: "too large",
    NET + "[route]\nlayers=0\n": "layers=0; name one of the 0 layers before it",
    NET + "[avgpool]\n[route]\nlayers=1\n": "layers=1; name one of the 1 layers",
    NET + "[avgpool]\n[route]\nlayers=-2\n": "layers=-2; name one of the 1 layers",
    NET + "[avgpool]\n[route]\n": "lacks layers=",
    NET + "[avgpool]\n[route]\nlayers=-1\ngroups=2\n": "it must divide 3 channels",
    NET + "[avgpool]\n[route]\nlayers=-1\ngroups=3\ngroup_id=3\n": "group_id=3; give 0",
    NET + "[avgpool]\n[shortcut]\nfrom=9\n": "from=9; name one of",
    NET + "[maxpool]\nsize=2\nstride=2\n[avgpool]\n[route]\nlayers=-1,-2\n": "one size",
    NET + "[reorg]\nstride=2\n": "stride=2; it cannot part 3 channels of 64 x 64",
    NET + "[dropout]\nprobability=nan\n": "probability=nan; give numbers",
    NET + "[dropout]\nprobability=2\n": "probability=2.0; give 0 to 1",
    TINY.replace("classes=2", "classes=80"): "want 170; set its filters= to that",
    TINY.replace("mask=0,1", "mask=0,3"): "mask=3; give 0 to 2",
    TINY.replace("num=3", "num=4"): "num=4 wants 8 numbers",
    TINY.replace("30,30", "30,inf"): "give numbers",
    TINY.replace("30,30", "30,0"): "anchors=0.0; give 0.001",
    TINY.replace("width=64", "width=66"): "does not divide the input",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=WRONG.values())
def test_what_cannot_be_is_named_with_its_place(text):
    with pytest.raises(InputError) as error:
        plan(parse_text(text, "a.cfg"))
    assert WRONG[text] in str(error.value)
    assert str(error.value).startswith("a.cfg") and "\n" not in str(error.value)


def test_a_file_that_is_no_cfg(tmp_path):
    path = tmp_path / "a.cfg"
    with pytest.raises(InputError, match="there is no cfg file"):
        parse_cfg(path)
    path.write_bytes(b"[net]\n\xff\xfe")
    with pytest.raises(InputError, match="no text at byte 6; did you give the weights"):
        parse_cfg(path)
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(InputError, match="2,000,000 bytes, too many"):
        parse_cfg(path)
    path.write_text("[net]\n" * 2000)
    with pytest.raises(InputError, match="line 1001: more than 1000 sections"):
        parse_cfg(path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5))
def test_any_size_the_strides_divide(rows, columns):
    net = Darknet(parse_text(TINY))
    (out,) = net(torch.zeros(1, 3, 4 * rows, 4 * columns))
    assert out.shape == (1, 14, rows, columns)


def test_sizes_and_channels_a_net_cannot_take():
    net = Darknet(parse_text(TINY, "a.cfg"))
    with pytest.raises(InputError, match="does not divide the input of 30 x 32"):
        net(torch.zeros(1, 3, 32, 30))
    with pytest.raises(InputError, match=r"takes \(B, 3, H, W\), not \(1, 4, 32, 32\)"):
        net(torch.zeros(1, 4, 32, 32))
