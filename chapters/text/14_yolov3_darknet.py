# %% [markdown]
# # 14. YOLOv3: a detector in two files, read to the last byte
#
# A YOLO detector is handed on as a text of layers and a heap of bare numbers. This chapter opens both files, builds by hand the smallest detector that can be
# written down, thirty-five numbers, and follows a picture through it until boxes come out. Then it reads real ones.
#
# ## What you will be able to do
#
# - parse a Darknet cfg, and say what each kind of layer does to the shape of a map
# - read and write a weight file byte by byte, and find the shift of four bytes that breaks it in silence
# - letterbox a picture, map boxes back, and say what stretching costs
# - decode raw maps to boxes, for one cell by hand, by loops and vectorised
# - choose between softmax and sigmoids, and between one non-maximum suppression for all classes and one for each
#
# ## Before you start
#
# You need chapters 00 to 02, 06 and 12. About 80 minutes; the cells run in about 30 seconds on a CPU.

# %%
# setup

# %% [markdown]
# ## The question
#
# These two files are a detector for the six things of the harbour. It was trained from scratch for this course, and chapter 15 says how.

# %%
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import course_lib
from course_lib.data.harbour import HarbourThings
from course_lib.detection.darknet.detector import load_detector
from course_lib.paths import data_dir, weights_dir
from course_lib.show import draw_detections, explore, pictures, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour", task="detection")  # or "real"
torch.set_grad_enabled(False)  # nothing is trained in this chapter
cfg, weights = (weights_dir() / f"yolo_harbour.{end}"
                for end in ("cfg", "weights"))
detector = load_detector(cfg, weights)
print(f"text: {cfg.stat().st_size:,} bytes, "
      f"numbers: {weights.stat().st_size:,} bytes")
print("input:", *detector.size, "px high and wide")

# %% [markdown]
# The net wants its input in one shape, and pictures come in all shapes. The quick way is to `resize`, whatever becomes of the things: **stretching**. We do that to harbours of
# different **aspect**, width divided by height. Below is what reaches the net, and what the net makes of it.
#
# **Try it.** Which things are lost first?

# %%
from course_lib.detection.boxes import box_iou
from course_lib.detection.darknet.letterbox import letterbox, stretch, to_input

ASPECTS = [0.5, 0.75, 1.33, 2.0, 4.0]


def harbour(aspect, height=160):
    size = (height, int(height * aspect))
    return HarbourThings("test", size=size)[3]


def hits(found, target):
    """Which things have a box of their class with an IoU above 0.5?"""
    hit = box_iou(target["boxes"], found["boxes"]) > 0.5  # (things, boxes)
    hit &= target["labels"][:, None] == found["labels"]
    return hit.any(dim=1)  # (things,)


def found_of(found, target):
    hit = hits(found, target)
    return f"{int(hit.sum())} of {len(hit)} things found"


def seen(resize, aspect):
    image, target = harbour(aspect)
    looking = load_detector(cfg, weights, score_threshold=0.5,
                            resize=resize.__name__)
    found = looking([image / 255])[0]
    title = found_of(found, target)
    inside, placement = resize(image / 255, looking.size)
    found["boxes"] = to_input(found["boxes"], placement)
    return draw_detections(inside, found, classes=HarbourThings.classes,
                           tags="none", titles=[title])


explore(lambda aspect: seen(stretch, aspect), aspect=ASPECTS,
        largest=40_000,
        alt="Harbours of aspect 0.5, 1.33 and 4, stretched to the shape of "
            "the input. At 1.33 most boxes fit a thing, at 0.5 and 4 few do.")

# %% [markdown]
# (The long box of *lamp post* is a railing, which the harbour counts with the lamp posts.) Of each class, how many are found:

# %%
for aspect in (0.5, 1.33, 4.0):
    image, target = harbour(aspect)
    looking = load_detector(cfg, weights, score_threshold=0.5,
                            resize="stretch")
    hit = hits(looking([image / 255])[0], target)
    counts = {name: f"{int(hit[target['labels'] == i].sum())} of "
                    f"{int((target['labels'] == i).sum())}"
              for i, name in enumerate(HarbourThings.classes.names)
              if i in target["labels"]}
    print(f"{aspect:4}:", ", ".join(f"{n} {c}" for n, c in counts.items()))
    cars = hit[target["labels"] == 2]
    assert aspect != 0.5 or not cars.any()
    assert aspect != 4 or cars.all() and hit.sum() == len(cars)

# %% [markdown]
# At 4 only the cars are left; at 0.5, stretched the other way, none of them is: there are boxes enough, but they do not fit. Not a byte of the two files has changed. What went wrong stands *before* the net. To find all that stands around a net, and in it, we follow one picture from the first
# byte of the cfg to the last box.

# %% [markdown]
# ## 1. The first file: a list of layers
#
# A **cfg** is a text. `[kind]` opens a section, `key=value` fills it, `#` begins a comment. The first section, `[net]`, names the size of the input; every further
# section is a layer, counted from 0. Here is the smallest cfg that still makes a detector:

# %%
TINY = """[net]
width=8
height=8
channels=3

[convolutional]      # layer 0
batch_normalize=1
filters=2
size=1
stride=1
pad=1
activation=leaky

[maxpool]            # layer 1
size=2
stride=2

[convolutional]      # layer 2
filters=7
size=1
stride=1
pad=1
activation=linear

[yolo]               # layer 3
mask=0
anchors=2,2
classes=2
num=1
"""


def parse(text):
    sections = []  # pairs (kind, options)
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            sections.append((line[1:-1], {}))
        elif line:
            key, value = line.split("=")
            sections[-1][1][key.strip()] = value.strip()
    return sections

# %%
from course_lib.detection.darknet.cfg import parse_text

tiny = parse(TINY)
library = parse_text(TINY)
assert tiny == [(s.kind, s.options) for s in library]
for kind, options in tiny:
    print(f"{kind:14}{options}")

# %% [markdown]
# Ten lines are a parser. Where ours would stop with a `ValueError`, or let nonsense pass, the library's says what is wrong and in which line. A cfg whose end was cut off:

# %%
from course_lib.errors import InputError

try:
    parse_text(TINY[:-9], name="tiny.cfg")
except InputError as error:
    print(error)

# %% [markdown]
# Nothing in a cfg says how large a map is, or how many channels a layer gets. Both follow, layer by layer. Each rule is a line, with $n$ the size before, $k$ the `size` of the kernel or window, and $s$ the `stride`:
#
# | section | channels | size of the map |
# | --- | --- | --- |
# | `convolutional` | `filters` | $\lfloor (n + 2p - k) / s \rfloor + 1$, where `pad=1` means $p = \lfloor k / 2 \rfloor$, not 1 |
# | `maxpool` | as before | $\lfloor (n - 1) / s \rfloor + 1$: with stride 1 the map keeps its size |
# | `upsample` | as before | $n s$; every cell becomes a square of equal cells |
# | `shortcut`, `from=-3` | as before | as before; the map of three layers back is added |
# | `route`, `layers=-1, 8` | the sum of both | of these maps, which are laid side by side; with one layer, a way back |
# | `dropout` | as before | as before; it does nothing outside training |
# | `yolo` | as before | as before; it says how the map is to be read: `mask` picks, from the list of `num` anchors, those of this head |
#
# Negative layers are counted back from the layer itself, others from the start. In code:

# %%
def shapes(sections):
    """(channels, size) of every layer's map, for a square input."""
    channels, size = 3, int(sections[0][1]["width"])
    maps = []
    for i, (kind, o) in enumerate(sections[1:]):
        number = {key: int(o[key]) for key in ("size", "stride") if key in o}
        if kind == "convolutional":
            k = number["size"]
            size = (size + 2 * (k // 2) - k) // number["stride"] + 1
            channels = int(o["filters"])
        elif kind == "maxpool":
            size = (size - 1) // number["stride"] + 1
        elif kind == "upsample":
            size = size * number["stride"]
        elif kind == "route":
            layers = [int(word) for word in o["layers"].split(",")]
            from_ = [maps[i + n if n < 0 else n] for n in layers]
            channels, size = sum(c for c, _ in from_), from_[0][1]
        maps.append((channels, size))
    return maps


print(shapes(tiny))

# %% [markdown]
# So the picture of 8 x 8 pixels ends as a map of 4 x 4 cells with 7 channels. That is 2 + 2 + 1 + 2: place, size, **objectness** (is there a thing at all?) and two classes, of one box a cell.
#
# **YOLOv3** itself has 107 layers, in a cfg of many hundred lines. So many lines are not needed. A kind of layer is a function, and the net is loops: a
# residual stage of **Darknet-53** five times, then three heads with a way back up between them.

# %%
ANCHORS = ("10,13, 16,30, 33,23, 30,61, 62,45, "
           "59,119, 116,90, 156,198, 373,326")


def conv(filters, size, stride=1):
    return [("convolutional", dict(
        batch_normalize=1, filters=filters, size=size, stride=stride, pad=1,
        activation="leaky"))]


def stage(filters, blocks):
    block = (conv(filters // 2, 1) + conv(filters, 3)
             + [("shortcut", {"from": -3, "activation": "linear"})])
    return conv(filters, 3, stride=2) + blocks * block


def head(filters, mask):
    return 3 * (conv(filters, 1) + conv(2 * filters, 3)) + [
        ("convolutional", dict(size=1, stride=1, pad=1, filters=255,
                               activation="linear")),
        ("yolo", dict(mask=mask, anchors=ANCHORS, classes=80, num=9))]


def up(filters, other):
    return [("route", {"layers": -4}), *conv(filters, 1),
            ("upsample", {"stride": 2}),
            ("route", {"layers": f"-1, {other}"})]

# %%
yolov3 = [("net", dict(width=416, height=416, channels=3)), *conv(32, 3)]
for filters, blocks in [(64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)]:
    yolov3 += stage(filters, blocks)
yolov3 += head(512, "6,7,8") + up(256, 61) + head(256, "3,4,5")
yolov3 += up(128, 36) + head(128, "0,1,2")
yolov3 = [(kind, {key: str(value) for key, value in o.items()})
          for kind, o in yolov3]  # as in a file

lines = []
for i, ((kind, o), (c, n)) in enumerate(zip(yolov3[1:], shapes(yolov3),
                                            strict=True)):
    detail = {"convolutional": f"{o.get('size')}x{o.get('size')}",
              "shortcut": o.get("from"), "route": o.get("layers")}
    shape = f"{n}x{n}x{c}"
    name = "conv" if kind == "convolutional" else kind
    lines.append(f"{i:3} {name:9}{detail.get(kind, ''):7}{shape:12}")
for row in range(36):
    print("|".join(lines[row::36]).rstrip())

# %% [markdown]
# Read it as a story. Down to layer 74 the map shrinks from 416 to 13 cells a side, each shrinking a convolution of stride 2. Layers 82, 94 and 106 are the
# heads, at strides 32, 16 and 8, for large, middling and small things; their 255 channels are 3 boxes of 4 + 1 + 80. The routes to 61 and 36 fetch finer maps, like the
# skips of chapter 03, but laid beside and not added. Three boxes a cell make how many boxes in all?

# %%
places = [i for i, (kind, _) in enumerate(yolov3[1:]) if kind == "yolo"]
cells = [shapes(yolov3)[i][1] for i in places]
print(len(yolov3) - 1, "layers, heads at", places)
print(" + ".join(f"3 x {n} x {n}" for n in cells), "=",
      f"{sum(3 * n * n for n in cells):,} boxes")
assert places == [82, 94, 106] and sum(3 * n * n for n in cells) == 10_647

# %% [markdown]
# The library plans a net by the same rules, before it allocates anything:

# %%
from course_lib.detection.darknet.cfg import Section
from course_lib.detection.darknet.plan import plan

planned = plan([Section(kind, o) for kind, o in yolov3])
assert shapes(yolov3) == [(layer.out.c, layer.out.h) for layer in planned]

# %% [markdown]
# ## 2. What the layers do
#
# Most layers are old friends with some small print. First, `maxpool` with stride 1, which YOLOv3-tiny and the
# spatial pyramid of YOLOv3-SPP use. The map is padded by $\lfloor (k - 1) / 2 \rfloor$ cells on the left and by the rest on the right, with minus infinity:

# %%
from course_lib.detection.darknet.layers import MaxPool

row = torch.tensor([1.0, 5.0, 2.0, 3.0, 4.0]).view(1, 1, 1, 5)


def pool(row, k):  # one row, stride 1
    left = (k - 1) // 2
    padded = F.pad(row, (left, k - 1 - left), value=-torch.inf)
    return F.max_pool2d(padded, (1, k), stride=1)


for k in (2, 5):
    print(f"size={k}:", [int(v) for v in pool(row, k).flatten()])
    library = MaxPool(size=k, stride=1, padding=k - 1)([row])
    assert torch.equal(library[..., :1, :], pool(row, k))

# %% [markdown]
# The map keeps its five cells. A window of size 5 reaches two cells to either side. A **spatial pyramid** lays the answers for sizes 5, 9 and 13 beside the map itself.
#
# Second, the `convolutional` layer is three layers: convolution without bias, **batch norm**, **leaky** ReLU, which keeps a tenth of what is negative (`relu` and
# `linear` occur as well). Without `batch_normalize` there is a bias and no norm. With `groups` each filter sees its own share of the channels; with as many groups as channels the
# convolution is depthwise, as in chapter 07.

# %%
x = torch.tensor([[3.0, -1.0], [1.0, 5.0]]).view(1, 2, 1, 2)  # (1, 2, 1, 2)
kernel = torch.tensor([2.0, 10.0]).view(2, 1, 1, 1)  # a filter for a channel
y = F.conv2d(x, kernel, groups=2)
mean, var = torch.tensor([1.0, 0.0]), torch.tensor([25.0, 100.0])
normed = (y - mean.view(1, 2, 1, 1)) / var.sqrt().view(1, 2, 1, 1)
leaky = F.leaky_relu(normed, 0.1)
for name, z in [("convolved", y), ("normed", normed), ("leaky", leaky)]:
    print(f"{name:10}", [round(v, 2) for v in z.flatten().tolist()])

# %% [markdown]
# The first filter has mean 1 and deviation 5: (6 - 1) / 5 is 1, and (-2 - 1) / 5 is -0.6, of which a tenth is left.
#
# Third, four layers that compute nearly nothing; the third is a `route` with `groups=2`, which takes one half of the channels, with `group_id=1` the second. `a` and `b` are maps of two channels with one row of two cells:

# %%
a, b = torch.arange(4.0).view(1, 2, 1, 2), torch.full((1, 2, 1, 2), 10.0)
print("shortcut:", (a + b).flatten().tolist())
print("route:   ", torch.cat([a, b], dim=1).flatten().tolist())
print("half of a route, groups=2, group_id=1:",
      a.chunk(2, dim=1)[1].flatten().tolist())
print("upsample:", F.interpolate(a, scale_factor=2, mode="nearest")
      [0, 0].flatten().tolist())

# %% [markdown]
# The order of channels in a `route` is the order of its numbers; turn it round, and the next kernel reads nonsense without an error.

# %% [markdown]
# ## 3. The second file: numbers without names
#
# A **weight file** has a short header and then 32-bit floats, one behind the other. No names, no shapes, no separators. Only the cfg tells which number is whose. For
# a convolution the order is: biases, then, if there is batch norm, scales, means and variances, and the kernels last.
#
# Let us fill `TINY` by hand, without training. Its input will be a picture with a red, a blue and a purple square. Layer 0 measures "red minus green" and
# "blue minus green". Batch norm maps 1 to 1 and 0 to -1, and the leaky ReLU makes that -0.1. Layer 2 turns both into objectness and classes:

# %%
import struct

red, blue = [1, -1, 0], [0, -1, 1]  # kernels over R, G, B
PARTS = {  # in the order of the file
    "layer 0, biases": [0, 0], "layer 0, scales": [1, 1],
    "layer 0, means": [0.5, 0.5], "layer 0, variances": [0.25, 0.25],
    "layer 0, kernels": [*red, *blue],
    "layer 2, biases": [0, 0, 0, 0, -5, -5, -5],
    "layer 2, kernels": [*4 * [0, 0], 10, 10, 10, 0, 0, 10]}
numbers = [number for part in PARTS.values() for number in part]
header = struct.pack("<iiiq", 0, 2, 5, 0)  # version 0.2.5, 0 pictures seen
content = header + struct.pack(f"<{len(numbers)}f", *numbers)
print(f"{len(header)} + 4 x {len(numbers)} = {len(content)} bytes")

# %% [markdown]
# The last three pairs say: objectness is 10 red + 10 blue - 5, class *red* is 10 red - 5, class *blue* is 10 blue - 5. The zeros are place and
# size: the middle of the cell, and the anchor as it is (section 5). Now look at the bytes themselves:

# %%
place = 0
for name, count in [("version", 12), ("pictures seen", 8),
                    *((name, 4 * len(p)) for name, p in PARTS.items())]:
    piece = content[place:place + count]
    shown = piece[:16].hex(" ", 4) + (" ..." if count > 16 else "")
    print(f"{place:4}  {shown:40}{name}")
    place += count

# %% [markdown]
# Each group of eight digits is a number, lowest byte first: `0000803f` is 1.0, `0000003f` is 0.5, and `02000000` is the whole number 2. Files before version 0.2 count the
# pictures seen in four bytes, so their header ends at byte 16.
#
# And this is the picture that the numbers were made for:

# %%
picture = torch.full((3, 8, 8), 0.2)
picture[:, 2:4, 4:6] = torch.tensor([1.0, 0, 0]).view(3, 1, 1)
picture[:, 6:8, 0:2] = torch.tensor([0.0, 0, 1]).view(3, 1, 1)
picture[:, 4:6, 6:8] = torch.tensor([1.0, 0, 1]).view(3, 1, 1)
fig = pictures([picture])
fig.set_size_inches(1.6, 1.6)
show(fig, alt="A grey picture of 8 x 8 pixels with a red, a blue and a purple "
              "square of 2 x 2 pixels.", data=picture, largest=10_000)

# %% [markdown]
# Reading is taking numbers off a stream, in the order of the layers. We run each layer as soon as it has its numbers:

# %%
major, minor, _ = struct.unpack("<3i", content[:12])
start = 20 if 10 * major + minor >= 2 else 16
stream = iter(struct.unpack(f"<{(len(content) - start) // 4}f",
                            content[start:]))


def take(*shape):
    count = torch.Size(shape).numel()
    return torch.tensor([next(stream) for _ in range(count)]).view(shape)


bias, scale, mean, variance = (take(2, 1, 1) for _ in range(4))
x = F.conv2d(picture[None], take(2, 3, 1, 1))  # (1, 2, 8, 8)
x = (x - mean) / (variance + 1e-6).sqrt() * scale + bias  # see below
x = F.max_pool2d(F.leaky_relu(x, 0.1), 2)  # (1, 2, 4, 4)
bias = take(7)
by_hand = F.conv2d(x, take(7, 2, 1, 1), bias)  # (1, 7, 4, 4)
print(len(list(stream)), "floats left over")
print("objectness before the sigmoid:")
print(by_hand[0, 4].round().int().numpy())

# %% [markdown]
# Four, four, fifteen: the red, the blue and the purple square; elsewhere -7. And no float left over. Now the library, from two real files:

# %%
from pathlib import Path
from tempfile import mkdtemp

from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import load_weights, save_weights

folder = Path(mkdtemp())
(folder / "tiny.cfg").write_text(TINY)
(folder / "tiny.weights").write_bytes(content)
net = Darknet(parse_cfg(folder / "tiny.cfg")).eval()
load_weights(net, folder / "tiny.weights")
maps = net(picture[None])
torch.testing.assert_close(maps[0], by_hand, atol=1e-5, rtol=0)
save_weights(net, folder / "again.weights")
assert (folder / "again.weights").read_bytes() == content
print([tuple(m.shape) for m in maps], "equal; written again, same bytes")

# %% [markdown]
# **Try it.** What will the library say to a file with one float too many, to one that ends too early, and to one in which a bit was flipped on the way? Say it before
# you read on.

# %%
import hashlib

digest = hashlib.sha256(content).hexdigest()
flipped = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
damaged = folder / "damaged.weights"
for data in (content + header[:4], content[:-6], flipped):
    damaged.write_bytes(data)
    try:
        load_weights(net, damaged, sha256=digest if data is flipped else None)
    except InputError as error:
        print(str(error).replace(str(folder), "..."), "\n")

# %% [markdown]
# The count of bytes finds the first two. A flipped bit leaves a legal file with a slightly other net; only a checksum finds it. So, whoever hands on weights hands on their SHA-256.
#
# How many bytes should the real `yolov3.weights` have? The cfg knows. (Exercise 14.1 does it without a net.)

# %%
floats = sum(layer.floats for layer in planned)
size = 20 + 4 * floats
print(f"{floats:,} floats, {size:,} bytes")
assert size == 248_007_048

# %% [markdown]
# Because the file has no names, it may also be read *in part*: the first layers of a net that was trained on something else, and the rest left as it is. That is the
# **cut-off**, by which chapter 15 passes on what a net has learnt.

# %%
part = Darknet(parse_cfg(cfg))
fresh = {name: t.clone() for name, t in part.state_dict().items()}
load_weights(part, weights, cut_off=4)  # layers 0 to 3
read = {name.split(".")[1] for name, t in part.state_dict().items()
        if not torch.equal(t, fresh[name])}
print("layers that were filled:", ", ".join(sorted(read)),
      "of", len(part.layers))
print("the first bytes:", weights.read_bytes()[:28].hex(" ", 4))

# %% [markdown]
# (The first bytes of a trained file look like those of ours: the version, the pictures seen, then numbers.)
#
# One more trap lies not in the file but in the formula. Batch norm divides by $\sqrt{\text{variance} + \varepsilon}$. PyTorch's $\varepsilon$ is $10^{-5}$, Darknet's is $10^{-6}$. A
# channel that hardly varies, with mean 0.10 and variance 0.00001, sees the value 0.11:

# %%
for epsilon in (1e-6, 1e-5):
    print(f"epsilon {epsilon:.0e}: {0.01 / (1e-5 + epsilon) ** 0.5:.2f}")

# %% [markdown]
# A quarter less. Most channels vary more, so nothing breaks. But the scores move in the third decimal, and a comparison with another program, which should agree to
# the fifth, never does. That is how this one is found.
#
# ## 4. A picture that does not fit
#
# Back to the question. **Letterboxing** scales the picture until it fits in both directions, and fills the rest with grey, as a film is shown on a television. By hand, a
# picture 640 wide and 480 high for an input of 416 x 416 pixels:

# %%
width, height, size = 640, 480, 416
scale = size / max(width, height)
left, top = (size - width * scale) / 2, (size - height * scale) / 2
print(f"scale {scale}, picture {width * scale:g} x {height * scale:g}, "
      f"left {left:g}, top {top:g}")
box = torch.tensor([100.0, 50, 300, 250])  # xyxy, pixels of the picture
margin = torch.tensor([left, top, left, top])
inside = box * scale + margin
print("box in the input:    ", inside.tolist())
back = (inside - margin) / scale
print("back in the picture: ", [round(v, 2) for v in back.tolist()])

# %% [markdown]
# A box comes back by the same two steps in reverse: first the margin off, then the scale. Whoever forgets the margin gets shifted boxes, and only where a picture does not fit. The same from the library:

# %%
from course_lib.detection.darknet.letterbox import unletterbox

filled, placement = letterbox(torch.zeros(3, 480, 640), (416, 416))
grey_rows = (filled[0, :, 0] == 0.5).sum()
print(tuple(filled.shape), "with", int(grey_rows), "grey rows")
torch.testing.assert_close(unletterbox(inside[None], placement), box[None])
assert grey_rows == 2 * top

# %% [markdown]
# Now the harbours of the question, letterboxed.
#
# **Try it.** Say first which of the aspects gains most.

# %%
assert 256 / 4 / 192 == 1 / 3  # height of the picture, of the input
explore(lambda aspect: seen(letterbox, aspect), aspect=ASPECTS,
        largest=38_000,
        alt="The same harbours, letterboxed. Between grey bars at 0.5 most "
            "things have a box; at 4 they are tiny, and no box fits.")

# %% [markdown]
# The tall picture gains. The wide one loses the little that it had, and what boxes it still gets fit nothing. No thing is out of shape, but everything is a third of the size that the net has learnt. Letterboxing trades shape for size, and
# which of them a net misses more is a question to measure. *The failure curve* does.
#
# There is a third way, and it costs nothing but time. A net of convolutions has no size (chapter 02). Only the heads ask that each side be a multiple of their strides. So
# **give the net an input of the picture's shape**:

# %%
image, target = harbour(4.0)
wide = load_detector(cfg, weights, score_threshold=0.5, size=(192, 768))
found = wide([image / 255])[0]
fig = draw_detections(image, found, classes=HarbourThings.classes,
                      tags="none", titles=[found_of(found, target)])
show(fig, alt="The harbour of aspect 4 in an input of 192 x 768 pixels: "
              "nearly every thing has its box.", largest=30_000)

# %% [markdown]
# Nearly everything is found, by the same numbers of the same file. The net did not change; it ran over three times as many cells.

# %% [markdown]
# ## 5. From a map to boxes
#
# Behind each anchor stand $5 + C$ channels: $t_x, t_y, t_w, t_h$, objectness, and a score for each of the $C$ classes. The box they mean has the centre and size
#
# $$b_x = (\sigma(t_x) + c_x)\, s, \quad b_y = (\sigma(t_y) + c_y)\, s, \quad b_w = a_w\, e^{t_w}, \quad b_h = a_h\, e^{t_h}$$
#
# with the cell's column $c_x$ and row $c_y$, the stride $s$ and the anchor $a$ in pixels. The sigmoid keeps the centre inside the cell; the exponential keeps the size
# positive. One cell of YOLOv3's coarse map, column 7 and row 3, stride 32, anchor 116 x 90:

# %%
from math import exp, log


def sigmoid(t):
    return 1 / (1 + exp(-t))


tx, ty, tw, th = 0.0, log(3), 0.0, log(2)
bx, by = (sigmoid(tx) + 7) * 32, (sigmoid(ty) + 3) * 32
bw, bh = 116 * exp(tw), 90 * exp(th)
print(f"sigmoids {sigmoid(tx):.2f} and {sigmoid(ty):.2f}")
print(f"centre ({bx:.0f}, {by:.0f}), {bw:.0f} wide, {bh:.0f} high, "
      f"xyxy {bx - bw / 2:.0f} {by - bh / 2:.0f} "
      f"{bx + bw / 2:.0f} {by + bh / 2:.0f}")

# %% [markdown]
# Half of the cell to the right, three quarters down; as wide as the anchor, twice as high.
#
# **Try it.** Move a box with two of its four numbers. How far can $t_x$ push it?

# %%
def one_box(t_x, t_w):
    fig = Figure(figsize=(2.6, 2.6), layout="constrained")
    ax = fig.subplots()
    ax.set_aspect("equal")
    ax.set(xlim=(0, 160), ylim=(160, 0), xticks=range(0, 161, 32),
           yticks=range(0, 161, 32))
    cx, cy, w, h = (sigmoid(t_x) + 2) * 32, 2.5 * 32, 50 * exp(t_w), 40
    ax.add_patch(Rectangle((64, 64), 32, 32, color="#E69F00", alpha=0.4))
    ax.add_patch(Rectangle((cx - w / 2, cy - h / 2), w, h, fill=False,
                           edgecolor="#0072B2", linewidth=2))
    ax.plot(cx, cy, marker="o", color="#0072B2")
    return fig


explore(one_box, t_x=[-6.0, -2.0, 0.0, 2.0, 6.0], t_w=(-1.0, 1.0),
        largest=30_000,
        alt="A blue box about its orange cell: for t_x of -6 its centre lies "
            "on the left edge of the cell, for 6 on the right edge.")

# %% [markdown]
# Never out of the cell, and onto its edge only for numbers without end. But centres of things do lie on edges. Newer cfgs therefore stretch the sigmoid about its middle: **`scale_x_y`** $= \alpha$
# replaces $\sigma$ by $\alpha \sigma - (\alpha - 1) / 2$. With 1.1 that runs from -0.05 to 1.05; our own cfg has 2, from -0.5 to 1.5.
#
# Now the whole map. First as everybody writes it at first, a loop over rows, columns and anchors:

# %%
def decode_loops(raw, anchors, stride):  # raw (A * (5 + C), h, w)
    _, h, w = raw.shape
    raw = raw.view(len(anchors), -1, h, w)
    rows = []
    for y in range(h):
        for x in range(w):
            for a, (wide, high) in enumerate(anchors):
                t = raw[a, :, y, x].tolist()
                p = [sigmoid(v) for v in t[4:]]
                rows.append([(sigmoid(t[0]) + x) * stride,
                             (sigmoid(t[1]) + y) * stride,
                             wide * exp(t[2]), high * exp(t[3]),
                             p[0], *(p[0] * c for c in p[1:])])
    return torch.tensor(rows)  # (h * w * A, 5 + C): cx cy w h in pixels


for row in decode_loops(by_hand[0], [(2, 2)], 2).round(decimals=2):
    if row[4] > 0.5:
        print([round(v, 2) for v in row.tolist()])

# %% [markdown]
# Three boxes of 2 x 2 pixels with their centres at (5, 3), (7, 5) and (1, 7), and that is where the squares are. Thirty-five numbers, and no training. The same without a loop: one
# number for each cell becomes one tensor over all cells.

# %%
def decode_all(raw, anchors, stride):
    count, (_, h, w) = len(anchors), raw.shape
    raw = raw.view(count, -1, h, w).permute(2, 3, 0, 1)  # (h, w, A, 5 + C)
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    cell = torch.stack([x, y], dim=-1)[:, :, None]  # (h, w, 1, 2)
    centre = (raw[..., :2].sigmoid() + cell) * stride
    size = torch.tensor(anchors) * raw[..., 2:4].exp()  # (h, w, A, 2)
    p = raw[..., 4:].sigmoid()
    scores = p[..., :1] * p[..., 1:]  # objectness x class
    rows = torch.cat([centre, size, p[..., :1], scores], dim=-1)
    return rows.flatten(0, 2)  # (h * w * A, 5 + C)

# %%
from time import perf_counter

raw = torch.randn(3 * 85, 52, 52)  # a finest map of YOLOv3
small = [(10.0, 13.0), (16.0, 30.0), (33.0, 23.0)]
seconds, rows = [], []
for way in (decode_loops, decode_all):
    start = perf_counter()
    rows.append(way(raw, small, 8))
    seconds.append(perf_counter() - start)
torch.testing.assert_close(*rows, atol=1e-3, rtol=1e-4)
claim("time of the loops over time of the tensors", seconds[0] / seconds[1],
      at_least=20, digits=0)

# %% [markdown]
# The same 8,112 rows. One of the projects behind this course decodes and suppresses in such loops, and needs two seconds for a picture.
#
# The library's `decode` takes the maps of all heads, and gives places as shares of the input, 0 to 1. (It also knows `[region]`, the head of YOLOv2, whose anchors count in cells and whose classes share
# a softmax.)

# %%
from course_lib.detection.darknet.decode import decode

assert len(rows[0]) == 8_112
rows = decode_all(by_hand[0], [(2.0, 2.0)], 2)
library = decode(maps, net)[0]  # (16, 7)
torch.testing.assert_close(library[:, :4] * 8, rows[:, :4])
torch.testing.assert_close(library[:, 4:], rows[:, 4:])
print(tuple(library.shape), "equal")

# %% [markdown]
# ## 6. From boxes to answers
#
# What is the purple square? It is red, and it is blue. A softmax cannot say so, because its classes must share one whole. YOLOv3 gives each class a sigmoid of its own:

# %%
objectness, classes = by_hand[0, 4, 2, 3].sigmoid(), by_hand[0, 5:, 2, 3]
for name, p in [("softmax", classes.softmax(0)),
                ("sigmoid", classes.sigmoid())]:
    scores = (objectness * p).tolist()
    print(f"{name}: red {scores[0]:.2f}, blue {scores[1]:.2f}")

# %% [markdown]
# At a threshold of 0.6 softmax sees nothing at all, in a cell whose objectness is 1.00. The paper's reason is a data set with *woman* and *person*.
#
# The same mistake waits one step later. **Non-maximum suppression** (chapter 12) removes a box that a better one overlaps. Over all classes at once, it removes the blue answer
# because of the red one. **Class-wise**, each class is thinned by itself:

# %%
from course_lib.detection.darknet.decode import detections
from course_lib.detection.nms import nms

boxes, index, scores = detections(library, 0.5, 0.45, best_class=False)
names = ["red", "blue"]
kept = nms(boxes, scores, 0.45)
every = range(len(boxes))
for way, chosen in [("class-wise: ", every), ("all at once:", kept)]:
    print(way, sorted((names[index[i]], (boxes[i] * 8).round().int().tolist())
                      for i in chosen))

# %% [markdown]
# (By default the library lets a row speak for its best class alone, as OpenCV does; `best_class=False` lets it speak for all.)
#
# There are **two thresholds** here, and they do not mean the same. The first is of the *score*, which is objectness x class: what is less sure is not shown. (Held against the objectness alone, it would let through
# boxes that are sure of a thing and have no idea which.) The second is of the *overlap*: a box whose IoU with a better one is larger than 0.45 counts as the same thing.
#
# Decode, threshold, suppress, un-letterbox: that is all a detector does after its net. On a harbour:

# %%
picture, target = HarbourThings("test")[3]


def answer(score_threshold, nms_threshold):
    found = load_detector(cfg, weights, score_threshold=score_threshold,
                          nms_threshold=nms_threshold)([picture / 255])[0]
    return draw_detections(
        picture, found, classes=HarbourThings.classes, tags="none",
        titles=[f"{len(found['boxes'])} boxes, {found_of(found, target)}"])


explore(answer, score_threshold=[0.02, 0.2, 0.5, 0.8, 0.95],
        nms_threshold=[0.1, 0.45, 0.9], largest=50_000,
        alt="A harbour with many overlapping boxes at a score threshold of "
            "0.02, one box for most things at 0.5, and a few at 0.95.")

# %% [markdown]
# For looking one takes 0.5. For *measuring* one takes 0.01: average precision (chapter 12) wants the whole list, and a threshold only cuts off its tail. So here is the shipped detector, measured again on the test pictures. In the world `"real"`
# the same cell measures a public file, trained on COCO by others, on the pedestrians of Penn-Fudan.

# %%
from course_lib.data.classes import COCO, ClassTable
from course_lib.detection.evaluation import evaluate_detector
from course_lib.training.cards import read_card

coco = ClassTable("COCO", ("background", *COCO.names),
                  ((0, 0, 0), *COCO.palette))
if world.name == "harbour":
    measured, table, bound = load_detector(cfg, weights), world.classes, 0.85
else:
    stem = data_dir() / "darknet" / "weights" / "yolo-fastest-1.1-xl"
    measured = load_detector(f"{stem}.cfg", f"{stem}.weights", size=320)
    table, bound = coco, 0.85
test = world.dataset("test")
report = evaluate_detector(measured, test)["bbox"]
print(len(test), "test pictures")
claim("AP50", report.stats[1], at_least=bound)

# %%
some = [test[i][0] for i in range(0, 40, 5)]
found = [measured([image / 255])[0] for image in some]
fig = draw_detections(some, found, classes=table, threshold=0.5,
                      tags="none", columns=4)
show(fig, alt="Eight test pictures with the boxes that score above 0.5.",
     largest=65_000)
class_ap50 = read_card("yolo_harbour")["class_ap50"]
print(", ".join(f"{name} {ap:.2f}" for name, ap in class_ap50.items()))
assert min(class_ap50, key=class_ap50.get) == "buoy"

# %% [markdown]
# The line below the pictures is AP50 for each class, from the net's card. The buoy, rare and small, is the hardest.

# %% [markdown]
# One thing is missing: which class is number 3? No file of the two tells. A third one does, the **names file**, a name a line in the order of the classes. It is all that the command
# `python -m course_lib detect` needs besides. Its function, on one picture in a file:

# %%
from collections import Counter

from torchvision.io import write_png

from course_lib.commands.detect import detect
from course_lib.detection.darknet.names import read_names

names_file = folder / "harbour.names"
names_file.write_text("\n".join(HarbourThings.classes.names[1:]) + "\n")
write_png(picture, str(folder / "quay.png"))
told = detect(load_detector(cfg, weights, score_threshold=0.5),
              read_names(names_file, 6), folder / "quay.png")
print(told["width"], "x", told["height"], dict(Counter(told["labels"])))

# %% [markdown]
# ## A common mistake
#
# A question that is asked again and again: *yolov3-tiny.weights has 35,434,956 bytes. I skip the header, 16 bytes, and there is one float more than my net wants. Which one
# shall I drop?*

# %%
CONVOLUTIONS = [  # of yolov3-tiny: channels, filters, size of the kernel
    (3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 3),
    (256, 512, 3), (512, 1024, 3), (1024, 256, 1), (256, 512, 3),
    (256, 128, 1), (384, 256, 3)]
wanted = sum(f * (4 + c * k * k) for c, f, k in CONVOLUTIONS)
wanted += 255 * (1 + 512) + 255 * (1 + 256)  # the two heads
for header_bytes in (16, 20):
    print(f"behind {header_bytes} bytes:",
          (35_434_956 - header_bytes) // 4 - wanted, "floats too many")

# %% [markdown]
# None, then. Most drop the last one, and everything runs. Let us do so with our own file:

# %%
from course_lib.detection.darknet.detector import DarknetDetector, load_net
from course_lib.detection.darknet.weights import named_tensors


def pour(start):
    """A detector from the floats behind byte start; what is over, dropped."""
    net, content = load_net(cfg), bytearray(weights.read_bytes())
    floats = torch.frombuffer(content, dtype=torch.float32, offset=start)
    for _, tensor in named_tensors(net):  # in the order of the file
        tensor.copy_(floats[:tensor.numel()].view_as(tensor))
        floats = floats[tensor.numel():]
    return DarknetDetector(net, score_threshold=0.5).eval(), len(floats)


for start in (20, 16):
    poured, left_over = pour(start)
    boxes = poured([picture / 255])[0]["boxes"]
    print(f"from byte {start}: {left_over} over, {len(boxes)} boxes")

# %% [markdown]
# No error and no box. The float too many was the second half of the count of pictures seen, which takes eight bytes since version 0.2, and every number of the net slid into its neighbour's place. **A file that
# fits is not yet a file that is read rightly.** Three habits find such a slip: never drop what is left over; look whether the numbers can be true, since a variance is
# never negative; and compare one answer with a program that is known to be right. The library did the first in section 3; here is the second:

# %%
content = weights.read_bytes()
(folder / "slid.weights").write_bytes(content[:20] + content[16:-4])
try:
    load_detector(cfg, folder / "slid.weights")
except InputError as error:
    print(str(error).replace(str(folder), "..."))

# %% [markdown]
# ## The failure curve
#
# Now the dial, measured: our net, 200 test pictures of the harbour at each aspect, drawn with as many pixels as at 4:3, and three ways to make them fit. There is one net, so the bars
# are not seeds but three sets of pictures.

# %%
from course_lib.show import card_table, failure_curve

curve = read_card("curve_harbour_aspect_resize")
fig = failure_curve(curve)
ticks = [value for value in curve["values"] if value != 0.75]
fig.axes[0].set_xticks(ticks, [f"{value:g}" for value in ticks])
show(fig, alt="AP50 against aspect. Stretching falls to both "
     "sides of 4:3; letterboxing falls steeply for wide pictures; an input "
     "of the picture's shape stays high there.", largest=24_000)

# %%
ways = {}
for name, sets in curve["methods"].items():
    scores = torch.tensor(list(sets.values())).T  # (aspects, 3 sets)
    ways[name] = dict(zip(curve["values"], scores, strict=True))
stretched, boxed, fitting = ways.values()  # aspect -> (3 sets,)
for aspect in curve["values"]:
    means = [f"{name} {way[aspect].mean():.2f}" for name, way in ways.items()]
    print(f"{aspect:4}:", ", ".join(means))
for aspect in (0.5, 0.75):
    assert boxed[aspect].min() > stretched[aspect].max()
for aspect in (2, 3, 4):
    assert fitting[aspect].min() > stretched[aspect].max()
    assert stretched[aspect].min() > boxed[aspect].max()
assert boxed[4].max() < 0.01
assert round(fitting[4].mean().item(), 2) == 0.96
assert round(stretched[4].mean().item(), 1) == 0.3

# %% [markdown]
# The rule that everybody repeats, *letterbox, do not stretch*, is half of the truth. For tall pictures it holds. For wide ones it is worse than what it was to mend: the things of a harbour grow with
# its height, so a letterboxed wide picture has tiny things, and our net has never seen those. Stretched, they keep their height and lose their width, and some are still known. Both ways show the net what it has not learnt, other
# sizes or other shapes. The input of the picture's shape shows neither. (It keeps the height of 192 pixels, and rounds the width to a multiple of 32.) On tall pictures it is no better than letterboxing, which shows the net much the same with grey beside it; on wide ones it alone holds: 0.96, where the others are left with 0.30 and nothing.
#
# So ask two questions of a detector: which shapes and sizes did it see in training, and which way did *they* come in? Darknet itself letterboxes. Its best-known successor, in which YOLOv4 was written, stretches unless told otherwise, and so does OpenCV's usual call.

# %% [markdown]
# ## On real data
#
# Do real files behave so? A public one, yolo-fastest-1.1-xl with the 80 classes of COCO, looked at four photographs that may be shared. The card holds its boxes, made by
# `python -m course_lib.detection.studies.pocket_darknet`:

# %%
from course_lib.data.pocket import pocket_photo

card = read_card("pocket_darknet")
photos = list(card["found"]["letterbox"])
answers = [card["found"]["letterbox"][photo] for photo in photos]
fig = draw_detections(
    [pocket_photo(photo) for photo in photos],
    [{key: torch.tensor(answer[key]) for key in ("boxes", "labels", "scores")}
     for answer in answers], classes=coco, columns=4)
show(fig, alt="Four photographs with boxes: person on the astronaut and on "
              "Grace Hopper, who also has a tie; cat on Chelsea; cup on the "
              "coffee; the astronaut's helmet is called a bowl.",
     data=torch.cat([torch.tensor(answer["boxes"]) for answer in answers]),
     largest=48_000)

# %% [markdown]
# A person, a cat, a cup, another person and her tie: not bad for so small a file. (The helmet is a *bowl*; COCO has no helmets.) And if the photographs are stretched?

# %%
for photo in photos:
    scores = [card["found"][way][photo]["scores"][0]
              for way in ("letterbox", "stretch")]
    name = card["found"]["letterbox"][photo]["names"][0]
    print(f"{photo:14}{name:8} letterboxed {scores[0]:.2f}, "
          f"stretched {scores[1]:.2f}")
    assert photo != "chelsea" or 0.19 < 1 - scores[1] / scores[0] < 0.22

# %% [markdown]
# The astronaut is a square, so nothing changes. The coffee, one and a half times as wide as high, does not mind. The cat, of the same shape, loses a fifth of its score. Four photographs prove nothing; 120 pictures of COCO (a part of *coco128*) and the 170 of Penn-Fudan say more:

# %%
tables = [read_card("coco128_darknet"), read_card("penn_fudan_darknet")]
rows = [{"data": table["dataset"], **row} for table in tables
        for row in table["rows"] if row.get("split", "all") == "all"
        and row.get("score_threshold", 0.01) == 0.01]
card_table(rows, ["data", "net", "resize", "ap", "ap50"])
for stretched, boxed in zip(rows[::2], rows[1::2], strict=True):
    assert stretched["net"] == boxed["net"]
    gain = boxed["ap"] - stretched["ap"]
    if boxed["data"] == "coco128":
        assert -0.045 < gain < -0.015
    else:
        assert 0 < gain < 0.011

# %% [markdown]
# On the pedestrians letterboxing is ahead by about a hundredth of AP at most. On COCO's pictures *stretching* wins with every net. The cfgs of these nets have `scale_x_y`, so they come from the successor that stretches, and presumably
# stretched things are what they know. The 120 pictures, parted by aspect, longer side over shorter, with AP50 of the first net:

# %%
sliced = tables[0]["by_aspect"]
bins = sliced["bins"]
card_table([{"aspect": f"{low} to {high}" if high < 10 else f"from {low}",
             "pictures": count, "stretched": stretched, "letterboxed": boxed}
            for low, high, count, stretched, boxed in zip(
                bins, bins[1:], sliced["pictures"], *sliced["ap50"].values(),
                strict=False)],
           ["aspect", "pictures", "stretched", "letterboxed"])
assert list(sliced["ap50"]) == ["stretch", "letterbox"]
assert sliced["pictures"] == [11, 56, 45, 8]

# %% [markdown]
# The longest pictures gain most from stretching, as wide harbours do. But those are eight pictures, and photographs of aspect 3 or 4 are not among them. What the harbour shows at 4, these data can neither confirm nor deny.

# %% [markdown]
# **A recipe for the real thing.** The classic files are too large for this repository. Who fetches them (see *Read more*) should find these sizes, which follow from the cfg, and these checksums, which
# many public projects agree on:

# %%
FILES = {"yolov3.weights": (248_007_048, "523e4e69e1d015393a1b0a441cef1d9c"
                            "7659e3eb2d7e15f793f060a21b32f297"),
         "yolov3-tiny.weights": (35_434_956, "dccea06f59b781ec1234ddf8d1e94b95"
                                 "19a97f4245748a7d4db75d5b7080a42c")}
for name, (size, sha256) in FILES.items():
    print(f"{name}: {size:,} bytes, sha256\n{sha256}")

# %% [markdown]
# ```
# python -m course_lib detect --cfg yolov3.cfg --weights yolov3.weights --names coco.names \
#     --size 416 --threshold 0.5 --json found.json --output pictures/ dog.jpg person.jpg
# ```
#
# With `--sha256` the command checks the file before it uses it. And where the small public files are at hand, the next cell opens them: not a float left over, the same bytes when they are
# written again, and the numbers of OpenCV, to 0.0001 with Darknet's epsilon and not with PyTorch's.

# %%
import numpy as np

real = data_dir() and data_dir() / "darknet"
if real and real.is_dir():
    from course_lib.data.images import read_image
    from course_lib.detection.studies.pocket_darknet import found as look

    for file in sorted((real / "weights").glob("*.weights")):
        net = load_net(file.with_suffix(".cfg"), file)  # nothing left over
        save_weights(net, folder / "again.weights")
        assert (folder / "again.weights").read_bytes() == file.read_bytes()
    theirs = parse_cfg(real / "cfg" / "yolov3.cfg")[1:]
    for (kind, ours), section in zip(yolov3[1:], theirs, strict=True):
        assert kind == section.kind
        for key, value in ours.items():
            written = section.options[key].replace(" ", "")
            assert written == value.replace(" ", ""), key
    kept = np.load(real / "reference" / "raw_rows_dog_opencv.npz")
    dog = read_image(real / "reference" / "dog_320.png")[None] / 255
    stem = real / "weights" / "yolo-fastest-1.1-xl"
    net = load_net(f"{stem}.cfg", f"{stem}.weights").eval()
    for epsilon, low, high in [(1e-6, 0, 1e-4), (1e-5, 5e-4, 1)]:
        for layer in net.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eps = epsilon
        rows = decode(net(dog), net)[0, :, :5].numpy()
        theirs = kept["yolo-fastest-1.1-xl@320"][:, :5]
        assert low <= np.abs(rows - theirs).max() <= high, epsilon
    for way, kept in card["found"].items():
        for photo, answer in look(real, way).items():
            assert answer["labels"] == kept[photo]["labels"]

# %% [markdown]
# ## Exercises
#
# ### Exercise 14.1: how many floats?
#
# `section` holds the options of a `[convolutional]` section as they are written in the cfg, so all values are text; `channels` is the number of input channels. How many floats does
# it take out of the weight file? `groups` and `batch_normalize` may be missing. With 16 filters of 3x3 and batch norm on 3 channels it is 496.
#
# <details><summary>Hint 1</summary>
#
# A kernel has channels / groups x size x size numbers, and there is one for each filter. Besides it, each filter has one number, or four with batch norm.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `batch_normalize=0` occurs in real files, and `"0"` counts as true in Python.
#
# </details>

# %%
def floats_of(section, channels):
    raise NotImplementedError

# %%
check("14.1", floats_of)

# %% [markdown]
# ### Exercise 14.2: boxes back to the picture
#
# `boxes` (N, 4) are xyxy in pixels of a letterboxed square with `size` pixels a side. Bring them into pixels of the picture, which is `height` x `width`. Do not clip.
#
# <details><summary>Hint 1</summary>
#
# Section 4 does it with one box. First the margins, then the scale.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The longer side has no margin: with `scale = size / max(height, width)` one of the two margins becomes 0 by itself.
#
# </details>

# %%
def boxes_back(boxes, height, width, size):
    raise NotImplementedError

# %%
check("14.2", boxes_back)

# %% [markdown]
# ### Exercise 14.3: centres, all at once
#
# `t` (2, h, w) holds $t_x$ and $t_y$ of one anchor. Give the centres of all boxes in pixels, (2, h, w), x first, with `scale_x_y` as in section 5, and without a loop.
#
# <details><summary>Hint 1</summary>
#
# `torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")` gives rows and columns; you want the columns first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Stretch the sigmoid about one half *before* you add the cell, and multiply by the stride last.
#
# </details>

# %%
def centres(t, stride, scale_x_y):
    raise NotImplementedError

# %%
check("14.3", centres)

# %% [markdown]
# ### Exercise 14.4: every class that is sure enough
#
# `rows` (N, 5 + C) are decoded: cx, cy, w, h in pixels, objectness, and C class probabilities, not yet multiplied. Return three tensors, as a tuple: `boxes` (K, 4) xyxy, `labels` (K,) from 1 to C, and
# `scores` (K,): a line for each class of each row whose score is above `threshold`. A box may come twice, with two labels.
#
# <details><summary>Hint 1</summary>
#
# The score is objectness x class probability, a table (N, C).
#
# </details>
# <details><summary>Hint 2</summary>
#
# `(scores > threshold).nonzero(as_tuple=True)` gives the rows and the columns of what is kept.
#
# </details>

# %%
def answers(rows, threshold):
    raise NotImplementedError

# %%
check("14.4", answers)

# %% [markdown]
# Stuck? The [solutions](solutions/14_yolov3_darknet.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. A weight file loads without an error, and the detector finds nothing. Name two mistakes that look like this, and how you would tell them apart.
# 2. A colleague detects in a panorama, 4000 x 500 pixels, with a net of 416 x 416. Her cars are found nowhere. Would letterboxing help, stretching, or neither?
# 3. In YOLOv3 at 416, how many of the 10,647 boxes come from the finest map, and why does a box of 300 pixels hardly ever come from there?
#
# ## What you learned
#
# - You parsed a Darknet cfg with ten lines, said what each kind of layer does to the shape of a map, and built the 107 layers of YOLOv3 by loops.
# - You read and wrote a weight file byte by byte, and found the shift of four bytes that breaks it in silence.
# - You letterboxed a picture, mapped boxes back, and measured what stretching costs.
# - You decoded raw maps to boxes, for one cell by hand, by loops and vectorised.
# - You saw where softmax loses a thing of two classes that sigmoids keep, and why non-maximum suppression goes class by class.
#
# New in your hands: `parse_cfg`, `Darknet`, `load_weights`, `save_weights`, `letterbox`, `decode`, `load_detector`, and the command `detect`.
#
# The dial of this chapter in one picture, and [turning](figures/14.webp):
#
# ![Harbours of aspect 0.5 to 4, given to one net in three ways. Stretched, it loses most things at both ends; letterboxed, nearly all of them from 3 on; with an input of the picture's own shape it still finds 23 of 26 things at 4.](figures/14.png)
#
# ## Read more
#
# - Redmon and Farhadi, [YOLOv3: An Incremental Improvement](https://arxiv.org/abs/1804.02767), 2018: six pages, honest and funny; section 2 is our section 5. [Our notes](../literature/notes/14_yolov3_darknet.md)
#   say what it claims and what we measured.
# - Redmon et al., [You Only Look Once](https://arxiv.org/abs/1506.02640), CVPR 2016: detection as one regression over a grid.
# - Redmon and Farhadi, [YOLO9000: Better, Faster, Stronger](https://arxiv.org/abs/1612.08242), CVPR 2017: the anchors, and the sigmoid that holds a centre in its cell.
# - [Darknet](https://github.com/pjreddie/darknet), the program itself, in C: `src/parser.c` is the definition of both files; its [page](https://pjreddie.com/darknet/yolo/) links the weights. Where it does not answer, the checksums above
#   tell whether a copy from elsewhere is the same file.
