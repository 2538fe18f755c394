# %% [markdown]
# # 15. Training YOLO: your own things, from 35 pictures
#
# Chapter 14 read a net that others had trained. Now you train a detector for things of your own, from the first label to a file that any Darknet
# program can read. Then you ask what most projects forget to ask: what does it find in picture 36?
#
# ## What you will be able to do
#
# - write and read YOLO labels, and change the classes of a cfg without a wrong number of filters
# - choose anchors for your boxes by k-means, and say which cells and anchors answer for a box
# - read the three losses of YOLO apart, and balance them
# - train on 35 pictures, show whether the net has over-fitted, and say what helps: augmentation, transfer or labels
# - fold the branches of a re-parameterised block into one convolution, and tell the versions of YOLO by their ideas
#
# ## Before you start
#
# You need chapters 00, 01, 05, 12 and 14. About 80 minutes; the cells run in about 50 seconds on a CPU.

# %%
# setup

# %% [markdown]
# ## The question
#
# Somebody puts a cup, a ball and a bottle in front of a webcam, takes 35 pictures, draws the boxes, trains for 500 epochs, and has a
# detector. Many first projects look like that. Ours has boats, cars and persons:

# %%
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

import course_lib
from course_lib.data.harbour import HarbourThings
from course_lib.data.harbour.things_only import THINGS
from course_lib.show import draw_detections, explore, pictures, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour", task="detection")  # or "real"

harbours = HarbourThings("train", count=35)
samples = []
for image, target in harbours:
    chosen = target["labels"] <= 3  # boat, car, person
    samples.append((image, {"boxes": target["boxes"][chosen],
                            "labels": target["labels"][chosen]}))
images, targets = zip(*samples, strict=True)
print(len(images), "pictures,",
      sum(len(target["labels"]) for target in targets), "boxes")
fig = draw_detections(images[:3], targets[:3], classes=THINGS, tags="none")
show(fig, alt="Three harbours with boxes around boats, cars and persons, a "
              "dozen and more in each.", largest=45_000)

# %% [markdown]
# Our camera is drawn; all that counts from here on is a folder of pictures, and yours may come from anywhere. We trained a small YOLO on 28 of the 35 for 500
# epochs. The card `curve_harbour_epochs_yolo` keeps what it found on the way, in a picture it was trained on and in one it had never seen.
#
# **Try it.** Turn the dial `epochs`. Which of the two pictures would you show to a customer?

# %%
from course_lib.detection.studies.scale_anchors import BroadThings
from course_lib.training.cards import read_card

new = BroadThings("test", 60, size=(192, 256), thin=4)  # boat, car, person
card = read_card("curve_harbour_epochs_yolo")


def after(epochs):
    shown = card["shown"]["as they are"][card["values"].index(epochs)]
    found = [{"boxes": torch.tensor(shown[which]["boxes"]).view(-1, 4),
              "labels": torch.tensor(shown[which]["labels"])}
             for which in ("old", "new")]
    fig = draw_detections([images[0], new[0][0]], found, classes=THINGS,
                          titles=["trained on", "new"], columns=1,
                          tags="none")
    fig.set_size_inches(fig.get_size_inches() * 0.7)
    return fig


explore(after, epochs=[10, 50, 500], largest=75_000,
        alt="Above a picture of the training, below a new one. After 10 "
            "epochs no boxes; after 50 and 500 all things boxed above; below "
            "some are missed, and boxes lie where nothing is.")

# %%
for epochs, shown in zip(card["values"], card["shown"]["as they are"],
                         strict=True):
    print(f"{epochs:3} epochs: {len(shown['old']['labels'])} and "
          f"{len(shown['new']['labels'])} boxes")
print("things there:", len(targets[0]["labels"]), "and",
      len(new[0][1]["labels"]))

# %% [markdown]
# From 50 epochs on its own picture is perfect, 18 boxes around 18 things. In the new one, with 14 things, it draws 11 boxes after 50 epochs and 25 after 500, so that at
# least 11 are wrong: it has become surer, not better. And a customer only has new pictures. How would you have known? What would help? To answer, you build the whole training yourself.
#
# ## 1. A label is a line of text
#
# YOLO keeps labels as simply as possible: beside each picture one text file, in it one line a thing: `class cx cy w h`. Two habits are new. Classes
# count from **0**, since there is no background to name. And numbers are **shares** of the picture's width and height, so that a label
# survives a resize.
#
# By hand: a boat with corners (64, 48) and (128, 96), in a picture 256 pixels wide and 192 high. Its centre is (96, 72), its size 64 x 48.

# %%
def to_line(kind, box, height, width):
    x1, y1, x2, y2 = box
    shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height,
              (x2 - x1) / width, (y2 - y1) / height)
    return " ".join([str(kind), *(f"{share:.6f}" for share in shares)])


print(to_line(0, (64, 48, 128, 96), height=192, width=256))

# %% [markdown]
# 96 of 256 is 0.375, and so is 72 of 192. Now the project folder: pictures, labels, and a small `data.yaml` that says where they are. Who
# labels with a tool gets the same from its export "YOLO". The split comes first, before
# anybody has seen a result: every fifth picture is for validation. (Ours may be dealt out so, since each shows another harbour.)

# %%
import tempfile
from pathlib import Path

from PIL import Image

project = Path(tempfile.mkdtemp())
for i, (image, target) in enumerate(samples):
    split = "val" if i % 5 == 4 else "train"
    for kind in ("images", "labels"):
        (project / kind / split).mkdir(parents=True, exist_ok=True)
    lines = [to_line(label - 1, box, *image.shape[1:]) + "\n" for label, box in
             zip(target["labels"].tolist(), target["boxes"].tolist(),
                 strict=True)]
    (project / "labels" / split / f"{i:02}.txt").write_text("".join(lines))
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    picture.save(project / "images" / split / f"{i:02}.png")
(project / "data.yaml").write_text("""\
train: images/train
val: images/val
names: {0: boat, 1: car, 2: person}
""")
print(*(project / "labels/train/00.txt").read_text().splitlines()[:3],
      sep="\n")

# %% [markdown]
# The library reads such a folder and counts what it holds. Reading turns shares into pixels and 0 into 1 again, the labels of chapter 12:

# %%
from course_lib.data.readers.yolo import YoloFolder, check_folder

train = YoloFolder(project / "data.yaml", "train")
val = YoloFolder(project / "data.yaml", "val")
print(check_folder(train))
for (_, read), i in [(train[0], 0), (val[6], 34)]:
    assert torch.equal(read["labels"], targets[i]["labels"])
    torch.testing.assert_close(torch.as_tensor(read["boxes"]),
                               torch.as_tensor(targets[i]["boxes"]),
                               atol=1e-3, rtol=0)

# %% [markdown]
# What was written came back, to a thousandth of a pixel. The harbour can export itself in this layout, with all six kinds of things; its lines for our three must be ours:

# %%
from course_lib.data.harbour import export

export(HarbourThings("train", count=1), project / "six", layout="yolo")
lines = next((project / "six/labels").rglob("*.txt")).read_text().splitlines()
written = (project / "labels/train/00.txt").read_text().splitlines()
assert [line for line in lines if line[0] in "012"] == written
print(len(lines), "lines of six classes,", len(written), "of our three")

# %% [markdown]
# A wrong line is the commonest fault of a first project. So the reader names file, line and reason:

# %%
from course_lib.errors import InputError
from course_lib.data.formats.yolo_txt import read_labels

wrong = project / "wrong.txt"
wrong.write_text("0 0.375 0.375 0.25 0.25\n0 96 72 64 48\n")
try:
    read_labels(wrong, num_classes=3)
except InputError as error:
    print(str(error).replace(str(project), "project"))

# %% [markdown]
# ## 2. From eighty classes to three, and anchors that fit
#
# In each cell a YOLO layer keeps a **slot** for each of its anchors. A slot holds four numbers for the box, one for **objectness** and one for each class.
# The convolution before the layer makes them all, so its `filters` must be
#
# $$\text{filters} = \text{anchors} \cdot (5 + \text{classes}).$$
#
# With COCO's 80 classes and 3 anchors that is 255, the number you met in chapter 14. Ours: 3 · 8 = 24. By hand you would edit two lines for each head;
# `change_classes` does, and refuses what does not fit:

# %%
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.yolo.classes_of_cfg import (
    change_anchors,
    change_classes,
    heads_of,
)
from course_lib.paths import LIBRARY

CFGS = LIBRARY / "detection/darknet/cfgs"
eighty = parse_cfg(CFGS / "yolo_project.cfg")
three = change_classes(eighty, num_classes=3)
for sections in (eighty, three):
    for i in heads_of(sections):
        print("filters", sections[i - 1].options["filters"],
              "classes", sections[i].options["classes"])
assert 3 * (5 + 80) == 255 and 3 * (5 + 3) == 24

# %% [markdown]
# Who changes one line and forgets the other gets this, from our reader and in other words from every other:

# %%
from dataclasses import replace

from course_lib.detection.darknet.network import Darknet

forgot = list(three)
before = heads_of(three)[0] - 1  # the convolution before the first head
forgot[before] = replace(three[before],
                         options=eighty[before].options)
try:
    Darknet(forgot)
except InputError as error:
    print(error)

# %% [markdown]
# The second line to edit is `anchors`: those of a cfg were made for the boxes of its first owner. Redmon and Farhadi (2017) group the sizes of your
# boxes by **k-means**. But what is *near*? Four sizes, in pixels, and two anchors to begin with:

# %%
sizes = torch.tensor([[8.0, 8.0], [8.0, 16.0], [64.0, 64.0], [64.0, 128.0]])
anchors = torch.tensor([[8.0, 8.0], [64.0, 64.0]])
shared = torch.minimum(sizes[:, None], anchors).prod(dim=-1)  # (4, 2)
areas = sizes.prod(-1)[:, None] + anchors.prod(-1)  # (4, 2)
iou = shared / (areas - shared)
for size, row, far in zip(sizes.int().tolist(), iou.tolist(),
                          torch.cdist(sizes, anchors).tolist(), strict=True):
    print(f"{size}: IoU {row[0]:.2f} {row[1]:.2f}, "
          f"pixels away {far[0]:3.0f} {far[1]:3.0f}")

# %% [markdown]
# The boxes are laid corner on corner. 8 x 16 misses its anchor by 8 pixels, 64 x 128 by 64; yet both are *twice as high as their
# anchor*, and their IoU is the same, one half. A distance in pixels would spend all anchors on the large boxes. So the distance is
# $1 - \text{IoU}$; each anchor moves to the mean of the boxes it is nearest to, and again, until nothing moves.

# %%
nearest = iou.argmax(dim=1)  # (4,)
print(torch.stack([sizes[nearest == k].mean(dim=0) for k in (0, 1)]).tolist())

# %% [markdown]
# On our boxes the library repeats this until nothing changes. How well do anchors fit? Take for each box the IoU with its best anchor:

# %%
from course_lib.detection.yolo import kmeans

cocos = torch.tensor(eighty[-1].numbers("anchors", 1, 999)).view(6, 2)
sizes = kmeans.box_sizes(train)  # (M, 2) in pixels
ours = kmeans.kmeans_anchors(sizes, 6)  # (6, 2)
for name, anchors in [("of COCO", cocos), ("ours", ours)]:
    print(f"{name:9}{kmeans.fitness(sizes, anchors)['mean_iou']:.2f}")
mine = change_anchors(three, ours)

# %%
def shapes():
    fig = Figure(figsize=(4.6, 3.4), layout="constrained")
    ax = fig.subplots()
    ax.plot(*sizes.T, ".", ms=4, alpha=0.35, label="boxes")
    for name, anchors in [("of COCO", cocos), ("ours", ours)]:
        ax.plot(*anchors.T, "s", ms=8, mfc="none", mew=2, label=name)
    ax.set(xlim=(0, 90), ylim=(0, 90), xlabel="width (px)",
           title="height (px)")
    ax.legend()
    return fig


show(shapes(), alt="Widths and heights of the boxes in two clouds, narrow and "
     "wide. Our six anchors lie in the clouds, those of COCO beside them.",
     data=ours, largest=30_000)
assert (cocos > 90).any(dim=1).sum() == 2

# %% [markdown]
# Persons are narrow and high, boats and cars wide and low. The anchors of COCO stand in between or far outside (two beyond the figure); ours stand where the boxes are.
#
# ## 3. Who answers for a box, and what it costs
#
# A loss compares answers with truths. YOLO gives thousands of answers, and a picture holds about fifteen truths: which slot is held to which box?
# **Target assignment** decides. YOLOv3's rule: the cell that holds the centre, and the anchor that fits best. A boat from (68, 52) to
# (132, 100), on a map of stride 16, with an anchor of 50 x 40:

# %%
import math

x, y = (68 + 132) / 2 / 16, (52 + 100) / 2 / 16  # the centre, in cells
print(f"centre ({x}, {y}): column {int(x)}, row {int(y)}")
wanted = [x % 1, y % 1, math.log(64 / 50), math.log(48 / 40)]
print("x, y, w, h:", [round(number, 3) for number in wanted])

# %% [markdown]
# The centre lies a quarter of a cell right of the rim of column 6 and three quarters below the rim of row 4; the box is 1.28 times as wide as the
# anchor and 1.2 times as high. The net reaches $x$ and $y$ through a sigmoid, $w$ and $h$ through an exponential (chapter 14). The
# library does the same for all boxes, maps and pictures at once: `assign` finds the slots, `encode` says what they should say, `decode_slots` leads back.

# %%
from types import SimpleNamespace

from course_lib.detection.boxes import cxcywh_to_xyxy
from course_lib.detection.yolo.loss import decode_slots
from course_lib.detection.yolo.targets import assign, encode

boat = [{"boxes": torch.tensor([[68.0, 52, 132, 100]]),
         "labels": torch.tensor([1])}]


def head(scale_x_y=1.0):
    return SimpleNamespace(anchors=[(16, 16), (50, 40), (30, 90)], stride=16,
                           scale_x_y=scale_x_y, num_classes=3)


(slots,) = assign([head()], [(12, 16)], boat, ratio=None)
print("anchor, row, column:",
      [int(n) for n in (slots.anchor, slots.row, slots.column)])
raw = encode(slots, head())  # (1, 4), before sigmoid and exponential
numbers = torch.cat([raw[:, :2].sigmoid(), raw[:, 2:]], dim=1)
torch.testing.assert_close(numbers, torch.tensor([wanted]))
back = cxcywh_to_xyxy(decode_slots(raw, slots, head()))
torch.testing.assert_close(back, boat[0]["boxes"], atol=1e-3, rtol=0)

# %% [markdown]
# There and back, the same box. But *one* slot of 12 · 16 · 3 = 576 learns from this boat; that is little. YOLOv5 is more generous, twice. Every
# anchor answers whose sides differ from the box's by less than a factor of **4**. And neighbours answer too: with `scale_x_y=2` a cell
# can put a centre up to half a cell beyond its rim, so the nearer neighbour in the row and the nearer in the column reach ours.

# %%
def answering(scale_x_y, ratio=4.0):
    (slots,) = assign([head(scale_x_y)], [(12, 16)], boat, ratio)
    return slots


for scale_x_y, ratio in [(1, None), (1, 4), (2, None), (2, 4)]:
    slots = answering(scale_x_y, ratio)
    cells = set(zip(slots.row.tolist(), slots.column.tolist(), strict=True))
    print(f"scale_x_y {scale_x_y}, ratio {ratio}: {len(slots.row)} slots "
          f"in the cells {sorted(cells)}")

# %% [markdown]
# **Try it.** The boat of the first picture on the grid of stride 16. Which cells will answer at `scale_x_y` 3?

# %%
from matplotlib.patches import Rectangle

afloat = targets[0]["boxes"][targets[0]["labels"] == 1][:1]  # (1, 4)
x1, y1, x2, y2 = afloat[0].tolist()


def cells_that_answer(scale_x_y):
    one = [{"boxes": afloat, "labels": torch.tensor([1])}]
    (slots,) = assign([head(scale_x_y)], [(12, 16)], one)
    fig = pictures([images[0]])
    ax = fig.axes[0]
    cells = torch.stack([slots.row, slots.column], dim=1).unique(dim=0)
    for i, j in cells.tolist():
        ax.add_patch(Rectangle((j * 16, i * 16), 16, 16, lw=3, ec="#CC0077",
                               fc="#FF339966"))
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, lw=3,
                           edgecolor="#0072B2"))
    ax.plot((x1 + x2) / 2, (y1 + y2) / 2, "o", ms=7, color="#0072B2")
    ax.vlines(range(0, 256, 16), 0, 192, "white", lw=1)
    ax.hlines(range(0, 192, 16), 0, 256, "white", lw=1)
    ax.set(xlim=(x1 - 23, x2 + 22), ylim=(y2 + 23, y1 - 23))
    fig.set_size_inches(3.2, 2.7)
    return fig


explore(cells_that_answer, scale_x_y=[1.0, 2.0, 3.0], largest=30_000,
        alt="A boat in a blue box on a grid of 16 pixels. At scale_x_y 1 the "
            "cell of the centre is pink, at 2 three, at 3 five, a cross.")

# %% [markdown]
# Now the price. *Every* slot pays for **objectness**: it should say how well its box fits, and 0 where nothing is. The slots that answer pay for the
# **box**, $1 - \text{CIoU}$ (chapter 12), and for each **class**, a yes or no. Take a map that says 0 everywhere. Its objectness is $\sigma(0) =
# \frac12$, which costs $\log 2$ whatever it should be, and its box in row 4, column 6 is the anchor in the middle of the cell:

# %%
from course_lib.detection.boxes import paired_iou
from course_lib.detection.yolo.loss import yolo_loss

said = torch.tensor([[104.0 - 25, 72 - 20, 104 + 25, 72 + 20]])
box = 1 - paired_iou(said, boat[0]["boxes"], "ciou")[0]
print(f"box {box:.3f}, class {math.log(2):.3f}, objectness {math.log(2):.3f}")

blank = torch.zeros(1, 3 * (5 + 3), 12, 16)  # (B, A (5 + C), h, w)
ONE = {"box": 1, "objectness": 1, "class": 1}
losses = yolo_loss([blank], [head()], boat, gains=ONE, ratio=None)
torch.testing.assert_close(losses["box"], box)
torch.testing.assert_close(losses["class"], torch.tensor(math.log(2)))
weighed = 4 * math.log(2)  # the weight of this map: see the end of section 3
torch.testing.assert_close(losses["objectness"], torch.tensor(weighed))

# %% [markdown]
# Three numbers, never to be read as one. See what happens to the objectness of a map that says "nothing" everywhere, with a score of -6:

# %%
nothing = blank.view(1, 3, 8, 12, 16).clone()
nothing[:, :, 4] = -6
empty, missed = math.log(1 + math.exp(-6)), math.log(1 + math.exp(6))
mean = (575 * empty + missed) / 576
print(f"one empty slot {empty:.4f}, the missed boat {missed:.2f}, "
      f"mean {mean:.4f}")
assert math.log(2) > 50 * mean

# %% [markdown]
# 0.013: over fifty times better than before, and no boat is found. The mean drowns the one slot that matters among 575 that do not. (The truth is a little kinder,
# because the missed slot should say how well its box fits, not 1.) On finer maps it is worse still:

# %%
from course_lib.detection.yolo.loss import BALANCE, GAINS

heads = Darknet(mine).heads  # stride 16, stride 8
boxes = [train[i][1] for i in range(len(train))]
parts = assign(heads, [(12, 16), (24, 32)], boxes)
for part, map_head in zip(parts, heads, strict=True):
    h, w = 192 // map_head.stride, 256 // map_head.stride
    print(f"stride {map_head.stride:2}: {h * w * 3} slots a picture, "
          f"{len(part.row) / len(train) / (h * w * 3):.1%} answer")
print("objectness, fine to coarse:", BALANCE)
print("the three losses:", GAINS)

# %% [markdown]
# So the objectness of each map has a weight of its own, largest on the finest: **balance**. The three losses have weights too, the first thing to look at
# when one of them will not fall.
#
# ## 4. Thirty-five pictures that look like many
#
# Drawing 434 boxes takes an hour or two. The cheapest new picture is an old one, changed so that its boxes can change along. A **mosaic** (YOLOv4) lays windows of four
# pictures around a random point. A box moves with its window, and goes where less than 0.3 of it is left:

# %%
from course_lib.detection.yolo.mosaic import mosaic

window, corner = torch.tensor([10.0, 20]), torch.tensor([100.0, 80])  # x, y
box = torch.tensor([30.0, 40, 70, 60])  # xyxy in the old picture
shift = (corner - window).repeat(2)  # (4,)
print("by hand:", (box + shift).tolist())

torch.manual_seed(4)
drawn = world.name == "harbour"  # else the photographs of Penn-Fudan
album, names = ((train, THINGS) if drawn
                else (world.dataset("train"), world.classes))
parts = [album[i] for i in (0, 5, 10, 15)]
size = parts[0][0].shape[1:]  # (192, 256)
four, boxes_of_four = mosaic(parts, size)
print("objects in the four:", sum(len(t["labels"]) for _, t in parts),
      "and in the mosaic:", len(boxes_of_four["labels"]))

# %% [markdown]
# Besides: mirror images, **HSV** (hue, saturation and brightness drawn anew), and the **affine** changes that keep boxes boxes: zoom and shift. A
# rotation would need new boxes, which are looser than labelled ones.

# %%
from course_lib.detection.yolo.mosaic import without_masks, yolo_transform

torch.manual_seed(1)
zoomed = yolo_transform(flip=1, hue=0, saturation=0, brightness=0)(*parts[0])
coloured = yolo_transform(flip=0, zoom=None, hue=0.3)(*parts[0])
shown, found = zip(parts[0], zoomed, coloured, (four, boxes_of_four),
                   strict=True)
found = [without_masks(target) for target in found]
fig = draw_detections(shown, found, classes=names, tags="none", columns=4,
                      titles=["as labelled", "mirror, zoom", "HSV", "mosaic"])
show(fig, alt="A harbour; the same smaller and mirrored on black; the same in "
              "other colours; windows of four harbours joined. Boxes fit.",
     largest=60_000)

# %% [markdown]
# The last one, **multi-scale** training, needs no change of the picture at all. The net is fully convolutional, so that every few steps it may get another
# input size, as long as its stride of 16 divides both sides. Each thing is then seen small and large:

# %%
from course_lib.detection.yolo.multi_scale import sizes as input_sizes

net = Darknet(mine)
for size in input_sizes((192, 256), stride=16, low=0.75, high=1.25)[::2]:
    maps = net(torch.zeros(1, 3, *size))
    print(size, "->", [tuple(raw.shape[-2:]) for raw in maps])

# %% [markdown]
# ## 5. Train, look, save
#
# Everything is ready, and two habits protect a training. The **warm-up** of chapter 05 lets the learning rate rise while the
# heads still say nonsense. The **exponential moving average** (EMA) keeps a second set of weights that follows the first slowly:
# $\bar w \leftarrow d\, \bar w + (1 - d)\, w$. A weight that jumps from 0 to 1, with $d = 0.9$:

# %%
average, path = 0.0, []
for weight in [1, 1, 1, 1]:
    average = 0.9 * average + 0.1 * weight
    path.append(round(average, 3))
print(path)

# %% [markdown]
# The average is what we test and keep. Now 200 steps of 8 pictures, 57 times through our 28, on a net of 109,000 random weights. We keep the three
# losses, and follow one weight with its average, and with a slower one, $d = 0.98$.

# %%
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_lib.detection.batches import detector_batches
from course_lib.detection.darknet.detector import DarknetDetector
from course_lib.detection.engine import Training
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.yolo.transfer import set_prior
from course_lib.training.stream import Cached

recipe = DetectorRecipe(steps=200, batch_size=8, optimiser="adamw", lr=0.005,
                        weight_decay=0.01, warmup_iters=30, average=0.9)
torch.manual_seed(0)
net = Darknet(mine)
assert sum(p.numel() for p in net.parameters()) == 109_320
assert round(recipe.steps * 8 / len(train)) == 57
set_prior(net)  # objectness begins at 0.01 and not at 0.5
training = Training(DarknetDetector(net), len(train), recipe)
slow = AveragedModel(training.model, use_buffers=True,
                     multi_avg_fn=get_ema_multi_avg_fn(0.98))
three_nets = training.model, training.averaged.module, slow.module
path = []  # of one weight, and of its two averages
for batch in detector_batches(Cached(train), 8, 0, 0, recipe.steps):
    training.train_step(*batch)
    slow.update_parameters(training.model)
    path.append([each.net.layers[0].conv.weight[0, 0, 0, 0].item()
                 for each in three_nets])

# %%
from course_lib.training.schedules import learning_rate


def three_curves():
    fig = Figure(figsize=(9, 2.4), layout="constrained")
    rate, loss, weight = fig.subplots(1, 3)
    rate.plot([learning_rate(recipe, i, 200) for i in range(200)], marker="")
    rate.set(title="learning rate", xlabel="step")
    for name in ("box", "objectness", "class"):
        line = torch.tensor([each[name] for each in training.losses])
        line = F.avg_pool1d(line[None], 10, 5)[0] / line[0]
        loss.plot(range(5, 200, 5), line, marker="", label=name)
    loss.set(title="losses, the first is 1", xlabel="step", ylim=(0, None))
    loss.legend()
    weight.plot(path, marker="", label=["weight", "d = 0.9", "d = 0.98"])
    weight.set(title="one weight", xlabel="step")
    weight.legend()
    return fig


show(three_curves(), alt="The learning rate rises for 30 steps, then falls; "
     "three losses fall; a weight jitters, its two averages are smooth, and "
     "the slower one lags behind.", largest=40_000)
for name in ("box", "objectness", "class"):
    line = [each[name] for each in training.losses]
    claim(f"{name} loss, last 20 over first", sum(line[-20:]) / 20 / line[0],
          at_most={"box": 0.7, "objectness": 0.8, "class": 0.3}[name])

# %% [markdown]
# All three fall. A training log looks just like this, and many projects stop here. How good is the net? On the pictures it was trained on, on the seven we kept, and on 60 that
# nobody has labelled but the harbour itself:

# %%
from course_lib.detection.evaluation import evaluate_detector

detector = training.detector  # the average


def ap50(dataset, net=detector):
    return evaluate_detector(net, dataset)["bbox"].ap50


old, kept, unseen = (ap50(each) for each in (train, val, new))
claim("AP50 on the 28 training pictures", old, at_least=0.85)
claim("AP50 on the 7 validation pictures", kept, at_most=0.7)
claim("AP50 on 60 new pictures", unseen, at_most=0.7)
claim("training minus new", old - unseen, at_least=0.25)

# %% [markdown]
# It knows its 28 pictures nearly by heart, and on new ones it is far worse. The losses did not say so: they were measured on the pictures they were made
# small on. That is **over-fitting**, and only pictures that were never trained on show it.
#
# And the slow average, from the same run, on the training pictures? Once as it is, once with the batch norm statistics of the other:

# %%
late = slow.module
claim("AP50 with d = 0.98", ap50(train, late), at_most=0.3)
for norm, other in zip(late.modules(), detector.modules(), strict=True):
    if isinstance(norm, nn.BatchNorm2d):
        norm.running_mean.copy_(other.running_mean)
        norm.running_var.copy_(other.running_var)
claim("with statistics of d = 0.9", ap50(train, late), at_least=0.8)

# %% [markdown]
# As it is it finds hardly anything, though its weights are as good: what lags is the *statistics*. They are running averages already, were averaged again over
# some 50 steps, a quarter of our run, and still describe an earlier net. Recipes for 100,000 steps write 0.9999; in a short run such a number makes a good net look untrained. Measure both.
#
# Would 500 epochs help, as in so many recipes? And the changes of section 4? The card below trained both, on the same 28 pictures:

# %%
from course_lib.show import failure_curve


def curve_of(card):
    fig = failure_curve(card)
    ax = fig.axes[0]
    ax.set_xscale("log")
    ax.set_xticks(card["values"], card["values"])
    ax.minorticks_off()
    return fig


show(curve_of(card), alt="AP50 on new pictures against epochs: as they are "
     "it falls a little from 50 epochs on; augmented it climbs to 0.9.",
     largest=30_000)
(both,) = card["others"].values()
for name, seeds in both["methods"].items():
    means = torch.tensor(list(seeds.values())).mean(dim=0)
    print(f"{name:12} on its own pictures:",
          {e: round(x, 2) for e, x in zip(card["values"], means.tolist(),
                                          strict=True)})
fresh = {name: torch.tensor(list(seeds.values())).mean(dim=0).tolist()
         for name, seeds in card["methods"].items()}
plain, changed = fresh["as they are"], fresh["augmented"]
after_50 = card["values"].index(50)
assert all(0.5 < score < 0.65 for score in plain[after_50:])
assert changed[-1] > 0.85 and changed[-1] > changed[after_50] + 0.2
own = torch.tensor(list(both["methods"]["as they are"].values()))
assert own[:, after_50:].min() > 0.9 and own[:, -1].min() > 0.98
each = torch.tensor(list(card["methods"]["as they are"].values()))
assert len(each) == 3 and (each[:, -1] < each[:, after_50] - 0.02).all()

# %% [markdown]
# As they are, the pictures are used up after 50 epochs. From there to 500 the net polishes what it knows, 0.95 to 0.99, and on new ones it *loses* some points, with each of three seeds. With
# mirror, zoom, colour and mosaic it never sees the same picture twice. It learns more slowly, never gets its own pictures quite right, and climbs on new
# ones to 0.9. The 500 epochs were not wrong. Without augmentation they are wasted.
#
# A net need not begin from nothing either. **Transfer** takes the layers before the first head, the *trunk*, from a net that has learnt
# something else. Darknet's own way is to cut off a weights file: `cut_off` says after how many layers. Suppose you want buoys, masts and
# lamp posts as well, six classes in all:

# %%
from course_lib.detection.darknet.weights import load_weights, save_weights
from course_lib.detection.yolo.classes_of_cfg import cut_off

save_weights(detector.net, project / "mine.weights")
six = change_anchors(change_classes(eighty, 6), ours)
bigger = Darknet(six)
set_prior(bigger)
layers = cut_off(six)
load_weights(bigger, project / "mine.weights", cut_off=layers)
for i in range(layers):
    assert torch.equal(bigger.layers[i].conv.weight,
                       detector.net.layers[i].conv.weight)
print(layers, "layers taken over,", len(bigger.layers) - layers, "begin anew")

# %% [markdown]
# Last comes the **export**: a cfg, a weights file and a list of names, the three files of chapter 14. Any program that
# reads Darknet files can now find your things. We read them back and ask the same question again, by the commands you would use in a terminal:

# %%
import json

from course_lib.detection.coco_format import to_coco
from course_lib.detection.darknet.cfg import write_cfg

write_cfg(detector.net.sections, project / "mine.cfg")
(project / "mine.names").write_text("boat\ncar\nperson\n")
truth = to_coco(val)  # of picture 34 the number in its name: 34.png
for row in truth["images"] + truth["annotations"]:
    key = "image_id" if "image_id" in row else "id"
    row[key] = int(Path(val.file(row[key])).stem)
_ = (project / "truth.json").write_text(json.dumps(truth))

# %%
import contextlib
import io

from course_lib.__main__ import main


def terminal(command):
    """Run ``python -m course_lib COMMAND`` here; give what it printed."""
    words = command.replace("project/", f"{project}/").split()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(words)
    return printed.getvalue()


terminal("detect --cfg project/mine.cfg --weights project/mine.weights "
         "--names project/mine.names --threshold 0.01 --threads 1 "
         "--format coco --json project/found.json project/images/val")
printed = terminal("evaluate-detections --annotations project/truth.json "
                   "--results project/found.json --json")
again = json.loads(printed)["stats"][1]
print("AP50 by files and commands:",
      "the same" if abs(again - kept) < 0.01 else again)
assert abs(again - kept) < 0.01

# %% [markdown]
# The training has a command as well. It changes the classes of the cfg to those of the folder, finds the anchors, trains with mirror images, zoom, colours and (here half the time) mosaic,
# measures and saves. Six steps, so that you see it go; a real run has `--epochs 200` in their place.

# %%
terminal(f"train-detector --cfg {CFGS}/yolo_project.cfg --dataset yolo-folder "
         "--data project/data.yaml --name second --save-dir project/run "
         '--options {"anchors":true,"mosaic":0.5} --steps 6 --threads 1')
print(sorted(file.name for file in (project / "run").iterdir()))
large = read_card("yolo_harbour")
print(f"{large['train_pictures']:,} pictures: AP50 {large['ap50']:.2f}")

# %% [markdown]
# The last line is the shipped net of chapter 14, `yolo_harbour`, made by this command: all six kinds of things, so no rival of the 0.9 above.
#
# ## 6. From v1 to v8
#
# Much of what you have built came late. The versions, by what each one added:
#
# | version | year | what it added |
# | --- | --- | --- |
# | v1 | 2016 | one net, one pass: a 7 x 7 grid, two boxes a cell, no anchors |
# | v2 | 2017 | batch norm, anchors by k-means, several input sizes in training |
# | v3 | 2018 | three maps, nine anchors, a sigmoid for each class |
# | v4 | 2020 | mosaic, CIoU, `scale_x_y`, a backbone of split stages (CSP) |
# | v5 | 2020 | ratio below 4, neighbouring cells, EMA, checks of anchors; code without a paper |
# | v6 | 2022 | re-parameterised blocks; anchors given up again |
# | v7 | 2022 | ELAN, re-parameterisation planned, an auxiliary head |
# | v8 | 2023 | no anchors, distances as distributions; code without a paper |
#
# Four of these ideas fit into a few lines each.
#
# **Re-parameterisation** (Ding et al., 2021): train a block of three branches side by side, a 3x3 convolution, a 1x1 and the input itself, each with its
# batch norm. In the paper it trains better. For prediction fold it into **one** 3x3 convolution. Is that allowed? One number, batch norm with mean 2, variance
# 3, epsilon 1, factor 4 and shift 1:
#
# $$4 \cdot \frac{w x - 2}{\sqrt{3 + 1}} + 1 = (2 w)\, x - 3$$
#
# A norm in evaluation is a factor and a shift, and a convolution swallows both. A 1x1 kernel is a 3x3 kernel with zeros around, the input itself a 1x1
# kernel that is the identity matrix. And sums of convolutions are convolutions with summed kernels.

# %%
class ThreeWays(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.three = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.one = nn.Conv2d(c, c, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for _ in range(3))

    def forward(self, x):
        ways = [self.three(x), self.one(x), x]
        return F.relu(sum(norm(way) for norm, way in
                          zip(self.norms, ways, strict=True)))


def fold(kernel, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # (c,)
    return (kernel * scale.view(-1, 1, 1, 1),
            norm.bias - norm.running_mean * scale)

# %%
torch.manual_seed(0)
block = ThreeWays(8)
for _ in range(5):  # statistics to fold
    block(torch.randn(4, 8, 12, 12) * 2 + 1)
block.eval()
same = torch.eye(8).view(8, 8, 1, 1)
kernels = [block.three.weight] + [F.pad(k, (1, 1, 1, 1))
                                  for k in (block.one.weight, same)]
folded = [fold(k, norm) for k, norm in zip(kernels, block.norms, strict=True)]
weight, bias = (sum(parts) for parts in zip(*folded, strict=True))
x = torch.randn(2, 8, 9, 9)
torch.testing.assert_close(F.relu(F.conv2d(x, weight, bias, padding=1)),
                           block(x), atol=1e-5, rtol=0)
print(sum(p.numel() for p in block.parameters()), "weights trained,",
      weight.numel() + bias.numel(), "kept, equal answers")

# %% [markdown]
# Chapter 19 will measure what it saves. **ELAN**, the block of v7, is about the way back: the gradient should have short paths as well as long ones. Each
# pair of convolutions takes the last answer, and *all* answers go to the end:

# %%
from course_lib.models.blocks import conv_unit


class ELAN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.doors = nn.ModuleList(conv_unit(c, c // 2, size=1)
                                   for _ in range(2))
        self.pairs = nn.ModuleList(
            nn.Sequential(conv_unit(c // 2, c // 2), conv_unit(c // 2, c // 2))
            for _ in range(2))
        self.out = conv_unit(2 * c, c, size=1)

    def forward(self, x):  # (B, c, h, w)
        parts = [door(x) for door in self.doors]
        for pair in self.pairs:
            parts.append(pair(parts[-1]))
        return self.out(torch.cat(parts, dim=1))  # after 1, 1, 3 and 5 layers


print(tuple(ELAN(16)(torch.randn(2, 16, 12, 12)).shape))

# %% [markdown]
# The **auxiliary head** of v7 is the deep supervision of chapter 07 with a twist: the early head, which is to find rather than to place, gets *more* slots
# for each box than the last one. In our words: `scale_x_y` 3 for the auxiliary head, 2 for the lead.

# %%
for name, scale_x_y in [("lead", 2), ("auxiliary", 3)]:
    print(name, len(answering(scale_x_y).row), "slots for the boat")

# %% [markdown]
# The **anchor-free** heads of v6 and v8 ask each cell for four distances, from its middle to the sides of the box, in strides. Row 4, column 6
# and stride 16 again:

# %%
middle = torch.tensor([(6 + 0.5) * 16, (4 + 0.5) * 16])  # x, y in pixels
first, last = boat[0]["boxes"][0].split(2)
distances = torch.cat([middle - first, last - middle]) / 16  # (4,)
print("left, top, right, bottom:", distances.tolist())
assert torch.equal(middle - distances[:2] * 16, first)
assert torch.equal(middle + distances[2:] * 16, last)

# %% [markdown]
# No k-means, no factor of 4; which cells answer is then decided by how well they do so far, class and IoU together, anew in every step.

# %% [markdown]
# ## A common mistake
#
# A colleague doubts our gap. Her validation pictures come from the same camera, a quarter of a second after ours, and no picture of hers was trained on. She is right
# about that. Our harbours can move on as well:

# %%
from course_lib.data.harbour.dataset import detection_target
from course_lib.detection.box_crop import keep_objects


class Later:
    """The 28 training scenes again, a moment later."""

    classes = THINGS

    def __init__(self, seconds):
        self.seconds, self.rows = seconds, [i for i in range(35) if i % 5 < 4]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        scene = harbours.scene(self.rows[i], self.seconds)
        target = detection_target(scene, i)
        target["labels"] = target["labels"] - 5  # boat is 6 in the harbour
        image = torch.from_numpy(scene.image).permute(2, 0, 1)
        return image, keep_objects(target, target["labels"] <= 3)


leaked = ap50(Later(0.25))
claim("her validation minus ours", leaked - kept, at_least=0.1)
claim("her validation minus 60 new pictures", leaked - unseen, at_least=0.08)

# %% [markdown]
# Her figure is much better, and it is worth nothing: boats and cars have hardly moved, the rest is as it was trained. Every split that deals out the frames
# of one film at random does this, and so does an augmentation *before* the split, since copies of one picture land on both sides. **Split by scene,
# by day, by place**: by whatever will be new when the net is used.
#
# ## The failure curve
#
# What helps most: another trick, or more pictures? The dial is the number of labelled pictures. One net begins with random weights, the other with a trunk
# that learnt masts, lamp posts and buoys in 1,000 other harbours and never saw a label of our three. Both get 200 steps, mirror and zoom, and three
# seeds with pictures of their own; 100 new pictures judge:

# %%
curve = read_card("curve_harbour_labelled_yolo")
show(curve_of(curve), alt="AP50 against labelled pictures, from scratch and "
     "transferred: both rise up to ten pictures and flatten after; transfer "
     "is ahead with two pictures.", largest=30_000)
scratch, transferred = (torch.tensor(list(curve["methods"][name].values()))
                        for name in ("from scratch", "transferred"))
print("from scratch:", [round(x, 2) for x in scratch.mean(dim=0).tolist()])
print("transferred: ", [round(x, 2) for x in transferred.mean(dim=0).tolist()])
ahead = transferred - scratch  # (3 seeds, 5 values)
assert ahead[:, 0].min() > 0.04 and ahead[:, 0].mean() > 0.07
assert ahead[:, 1:].mean(dim=0).abs().max() < 0.03
assert curve["values"] == [2, 5, 10, 35, 150] and curve["num_pictures"] == 100
assert 0.75 < changed[card["values"].index(100)] < 0.8
assert changed[-1] > max(scratch.max(), transferred.max()) + 0.05

# %% [markdown]
# The first ten pictures are worth most. (Each holds fifteen boxes, drawn by one hand; photographs of a cup are less generous.) **Transfer** is worth
# something where labels are fewest: with two pictures it is ahead with every seed, by eight points on average. From five pictures on the two cannot be told apart.
#
# And from 35 to 150 pictures hardly anything happens. Are labels worthless, then? Look back at section 5: the same net, augmented, was at 0.78 after 100 epochs and at 0.9 after 500, more than
# any point of this curve, from 28 pictures. An epoch is three steps there. So what 200 steps lack is *steps*. A curve tells what its dial is worth while the rest stays as it is. Before you label another hundred
# pictures, train longer, augmented.
#
# ## On real data
#
# Two nets of chapter 14 have learnt 80 classes on COCO, *person* among them. On the 50 test pictures of Penn-Fudan, as they come:

# %%
from course_lib.show import card_table

public = [row for row in read_card("penn_fudan_darknet")["rows"]
          if row["split"] == "test" and row["score_threshold"] == 0.01]
card_table(public, ["net", "resize", "ap50", "ap"])
assert min(row["ap50"] for row in public) > 0.92
assert max(row["ap"] for row in public) < 0.57

# %% [markdown]
# The people are found, AP50 is above 0.92 in each row. But AP, which asks for tight boxes as well, is below 0.57. There is something to win.
#
# Now the transfer of section 5 with the first net. The cfg gets one class, *pedestrian*; the heads keep the rows of *person*, the only ones that fit; and the net is trained on
# the 100 training pictures, mirrored, zoomed and recoloured, at an input of 384 (the table's 320 gave the start an AP of 0.56, at 384 it has 0.58). Nothing was chosen on the test pictures.

# %%
people = read_card("penn_fudan_yolo_transfer")
card_table(people["rows"], {"net": "net", "seed": "seed", "ap50": "AP50",
                            "ap50_interval": "95 % of AP50", "ap": "AP",
                            "ap_interval": "95 % of AP",
                            "cpu_minutes": "CPU minutes"})
start, *trained = people["rows"]
assert round(start["ap"], 2) == 0.58 and round(public[1]["ap"], 2) == 0.56
assert min(row["ap"] for row in trained) > start["ap"] + 0.06
assert min(row["ap"] for row in trained) > start["ap_interval"][1]
assert all(row["ap50_interval"][0] < start["ap50"] for row in trained)
assert max(row["cpu_minutes"] for row in trained) < 14

# %% [markdown]
# Less than 14 minutes of one processor, and AP rises by more than six points with every seed, out of the interval of the start. The boxes fit better, which is what AP
# rewards. AP50 was high before, and its change lies within what 50 pictures can tell. This trunk learnt from all of COCO, persons included; no wonder that
# it gives more than that of the failure curve.
#
# Where the photographs are at hand, the next cell gives Penn-Fudan YOLO labels and reads them back.

# %%
from course_lib.data.formats.yolo_txt import to_pixels, to_shares, write_labels
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "PennFudanPed"
if folder and folder.is_dir():
    from course_lib.data.readers.penn_fudan import PennFudan

    for image, target in (PennFudan(folder, split="val")[i] for i in range(5)):
        size, corners = image.shape[1:], torch.as_tensor(target["boxes"])
        write_labels(project / "p.txt", target["labels"] - 1,
                     to_shares(corners, size))
        kinds, shares = read_labels(project / "p.txt", num_classes=1)
        torch.testing.assert_close(to_pixels(shares, size), corners,
                                   atol=2e-3, rtol=0)
        assert (kinds == 0).all()

# %% [markdown]
# ## Exercises
#
# ### Exercise 15.1: read a label, and refuse a wrong one
#
# Given a line such as `"0 0.375 0.375 0.25 0.25"` and height and width of the picture in pixels, return the pair of label (from 1, as our
# detectors want it) and box (x1, y1, x2, y2 in pixels). Raise a `ValueError` where there are not five numbers, the class is no whole number, or a share is
# below 0 or above 1.
#
# <details><summary>Hint 1</summary>
#
# `line.split()` gives the words. `int("1.5")` raises a `ValueError` by itself.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Widths go with x, heights with y: x1 = (cx - w / 2) · width.
#
# </details>

# %%
def read_label(line, height, width):
    raise NotImplementedError

# %%
check("15.1", read_label)

# %% [markdown]
# ### Exercise 15.2: a step of k-means
#
# `sizes` (N, 2) are widths and heights of boxes, `anchors` (K, 2) those of anchors. Give each box to the anchor with the largest IoU, corner on corner, and return the
# new anchors (K, 2): the means of their boxes. An anchor without a box stays as it is.
#
# <details><summary>Hint 1</summary>
#
# Section 2 has the IoU of four boxes and two anchors in three lines.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Begin with `moved = anchors.clone()` and replace the rows whose boxes you have.
#
# </details>

# %%
def k_means_step(sizes, anchors):
    raise NotImplementedError

# %%
check("15.2", k_means_step)

# %% [markdown]
# ### Exercise 15.3: who answers for this box
#
# By YOLOv3's rule: `box` is (x1, y1, x2, y2) in pixels, `anchors` (K, 2) are those of one map, `stride` is the map's. Return (anchor, row, column, targets): the index of the anchor with the
# largest IoU, the cell of the centre, and the list of x, y (place in the cell, 0 to 1), log width and log height over the anchor's.
#
# <details><summary>Hint 1</summary>
#
# The column comes from x, the row from y.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `int()` of the centre in cells is the cell, the rest is the place in it.
#
# </details>

# %%
def assign_one(box, anchors, stride):
    raise NotImplementedError

# %%
check("15.3", assign_one)

# %% [markdown]
# ### Exercise 15.4: fold a norm into any convolution
#
# `fold` of section 6 takes a kernel without bias. Now `conv` is any `nn.Conv2d`, perhaps with a bias of its own (else `conv.bias` is None), perhaps with groups, and
# `norm` the `nn.BatchNorm2d` behind it, in evaluation. Return weight and bias of the one convolution that does the work of both.
#
# <details><summary>Hint 1</summary>
#
# What reaches the norm is $w x + b$. Put it into the formula of section 6 in place of $w x$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Only the bias changes: its own bias minus the running mean is scaled.
#
# </details>

# %%
def fold_one(conv, norm):
    raise NotImplementedError

# %%
check("15.4", fold_one)

# %% [markdown]
# Stuck? The [solutions](solutions/15_training_yolo.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. A cfg has three YOLO layers with `num=9` anchors in all, three to each `mask`. You want 5 classes. How many filters does the convolution before each layer need?
# 2. A report says: 35 pictures, 500 epochs, AP50 0.97 on validation, every fifth frame of the film. What do you know about new pictures, and what do you do?
# 3. After 50 steps the objectness loss is 0.01 and the net finds nothing. Is it nearly done?
#
# ## What you learned
#
# - You wrote and read YOLO labels, and changed the classes of a cfg: filters are anchors times (5 + classes).
# - You chose anchors by k-means with IoU, and said which cells and anchors answer for a box, by hand and by the library.
# - You read the three losses of YOLO apart, saw why objectness alone says little, and how maps are balanced.
# - You trained on 35 pictures, showed that the net has over-fitted, and compared what helps: augmentation, transfer, labels.
# - You folded a re-parameterised block into one convolution, and know the versions of YOLO by their ideas.
#
# New in your hands: `YoloFolder`, `change_classes`, `change_anchors`, `kmeans_anchors`, `assign`, `yolo_loss`, `mosaic`, `yolo_transform`, `cut_off`,
# and the commands `train-detector`, `detect` and `evaluate-detections`.
#
# ## Read more
#
# - Bochkovskiy et al., [YOLOv4](https://arxiv.org/abs/2004.10934), 2020: section 4.3 tries one trick after the other; [our
#   notes](../literature/notes/15_training_yolo.md) hold them against our curves.
# - Zheng et al., [Distance-IoU Loss](https://arxiv.org/abs/1911.08287), AAAI 2020: the box loss.
# - Wang et al., [YOLOv7](https://arxiv.org/abs/2207.02696), CVPR 2023: ELAN, planned re-parameterisation, the auxiliary head.
# - Terven et al., [A Comprehensive Review of YOLO](https://arxiv.org/abs/2304.00501), 2023: the versions side by side.
