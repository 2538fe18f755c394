# %% [markdown]
# # 01. Pixels and labels: a mark that notices
#
# Ids, colours, void, padding: much of what goes wrong in segmentation goes wrong before any net is trained. Here you open
# everything up, down to the last number, other people's files too, and build the mark by which every net of this course
# is judged.
#
# ## What you will be able to do
#
# - read a picture and its label picture, and tell ids from colours
# - check the labels of a folder, and its splits for leaks, before you train on them
# - open the files of other data sets, and know the trap in each
# - transform a picture and its labels together, without inventing ids
# - compute a confusion matrix by hand, and choose a mark that notices when a rare class is lost
#
# ## Before you start
#
# Chapter [00](00_start_here.ipynb). About 90 minutes; the cells run in about 35 seconds on a CPU.

# %%
# setup

# %%
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.metrics import ConfusionMatrix
from course_lib.show import browse, explore, pictures, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour")  # or "real"

# %% [markdown]
# ## The question
#
# In chapter 00 a machine missed every mast and still got nearly all pixels right. Here is its cousin. It is right
# everywhere, except that it has never heard of **buoys**: it takes them for water. Where can you catch it?

# %%
lost, taken_for = {"harbour": ("buoy", "water"),
                   "real": ("pole", "building")}[world.name]
lost, taken_for = map(world.classes.index, (lost, taken_for))  # two ids
image, labels = world.dataset("test", count=20, size=(192, 256))[1]
answer = torch.where(labels == lost, taken_for, labels)  # (192, 256)

# %%
show(pictures([image, labels, answer],
              ["what it sees", "truth", "what it answers"],
              classes=world.classes),
     alt="A harbour and its labels. In the truth two small pink buoys float "
         "on the water; in the answer of the machine they are missing.",
     data=[labels, answer], largest=50_000)

# %% [markdown]
# Two pink buoys are gone, and nothing else. **Pixel accuracy** is the share of pixels that are right; **void** pixels, whose
# class nobody knows, are left out (their id is 255). Now turn the dial `rarity`. It is a chance: each of eight places
# holds a buoy with this chance, so at 1 buoys are common, and they grow rarer from line to line. What will the mark of our
# machine do?

# %%
buoy = Harbour.classes.index("buoy")
for rarity in (1.0, 0.3, 0.1, 0.02):
    scenes = Harbour("test", count=30, rarity=rarity)
    known = torch.cat([ids[ids != 255] for _, ids in scenes])  # all pixels
    accuracy = (known != buoy).double().mean()
    print(f"rarity {rarity:<4}: {accuracy:.2%} of the pixels right")

# %% [markdown]
# The mark *rises*, while the machine misses every buoy at every turn. The rarer a thing, the less pixel accuracy cares,
# and rare things (a buoy, a cyclist, a tumour) are often why we look at all. We want a mark that notices. To build one we
# must know what we count, so we begin with a single pixel.

# %% [markdown]
# ## 1. A picture is a block of numbers
#
# A photograph that comes with scikit-image: a cup of coffee, taken by Rachel Michetti. In a file a picture is a table of
# pixels with three numbers each: height x width x 3. PyTorch wants the colours first: 3 x height x width.

# %%
from course_lib.data.pocket import pocket_photo

photo = pocket_photo("coffee")  # (3, H, W) uint8
in_the_file = photo.permute(1, 2, 0)  # (H, W, 3)
print(tuple(photo.shape), tuple(in_the_file.shape), photo.dtype)
print("a pixel of the saucer:", photo[:, 264, 134].tolist())
assert torch.equal(in_the_file[264, 134], photo[:, 264, 134])
assert not torch.equal(in_the_file.reshape(3, 400, 600), photo)

# %% [markdown]
# `uint8` means whole numbers from 0 (dark) to 255 (bright), and the saucer is red: much red, little green and blue. Both
# shapes hold the same numbers. `permute` moves the axes. `reshape` counts the numbers off anew: it gives the right
# shape too, full of nonsense.
#
# A net does not want 0 to 255. It wants numbers around zero, so `normalise` divides by 255, takes off the mean of each
# colour over ImageNet, a million photographs, and divides by their spread (the standard deviation). `denormalise` is the
# way back, for looking.

# %%
from course_lib.data.transforms import denormalise, normalise

red = photo[0, 264, 134] / 255  # 0 to 1
by_hand = (red - 0.485) / 0.229  # ImageNet's mean and spread of red
assert torch.isclose(normalise(photo)[0, 264, 134], by_hand)
assert torch.equal(denormalise(normalise(photo)), photo)

# %% [markdown]
# ## 2. A label picture holds ids
#
# A label picture is as large as its photograph and has **one** number a pixel: the id of the class. PASCAL VOC, an early
# data set, keeps it as a **palette PNG**. The file stores the ids, and beside them a table, the palette, that says in
# which colour a viewer shows each id. Let us write one and open it in three ways. Only one of them is right.

# %%
from course_lib.data.images import read_labels, write_labels

folder = Path(tempfile.mkdtemp())
ids = Harbour("test", size=(192, 256))[1][1]  # (192, 256)
write_labels(folder / "labels.png", ids, Harbour.classes)
row, column = (ids == buoy).nonzero()[0].tolist()
file = Image.open(folder / "labels.png")
for mode in ("P", "RGB", "L"):  # palette, colours, grey
    print(f"{mode:3} -> {file.convert(mode).getpixel((column, row))}")
assert torch.equal(read_labels(folder / "labels.png"), ids)

# %% [markdown]
# The same pixel of the same buoy, three times. As stored (`P`) it is 11, the id of *buoy*. As `RGB` it is a colour: fine
# for the eye, no id. As grey (`L`) it is a number that looks like an id and is none: the brightness of pink, 0.299 red
# + 0.587 green + 0.114 blue.
# `read_labels` gives ids or refuses.
#
# Our palette was chosen by eye; VOC makes its 256 colours by a rule. Write the id in binary. Its lowest three bits become
# the *highest* bits of red, green and blue, the next three the second highest, and so on. Id 11 is 001 011, to be read from
# the right:
#
# | bits of 11, from the lowest | worth | red | green | blue |
# |---|---:|---:|---:|---:|
# | 1, 1, 0 | 128 | 128 | 128 | 0 |
# | 1, 0, 0 | 64 | 64 | 0 | 0 |
# | **sum** | | **192** | **128** | **0** |

# %%
from course_lib.data.classes import voc_palette


def voc_colour(class_id):
    rgb = [0, 0, 0]
    for worth in (128, 64, 32):
        for channel in range(3):
            rgb[channel] += worth * (class_id % 2)  # the lowest bit
            class_id //= 2
    return tuple(rgb)


assert voc_colour(11) == (192, 128, 0)
assert tuple(map(voc_colour, range(256))) == voc_palette()

# %% [markdown]
# Neighbouring ids get colours far apart, so the eye can tell them. For the reader we add a **legend** with the names of
# the classes that occur, and no others. Here is the coffee with the labels we drew for it.

# %%
from course_lib.data.pocket import Pocket
from course_lib.show import overlay

pocket = Pocket(names=["coffee"])
photo, coffee = pocket[0]
show(pictures([overlay(photo, coffee, pocket.classes, alpha=0.55), coffee],
              ["laid over the photograph", "label picture"],
              classes=pocket.classes),
     alt="A cup of coffee on a saucer with a spoon, under the colours of its "
         "labels, and the label picture alone with a thin pale void line "
         "between the classes.",
     data=coffee, largest=65_000)

# %% [markdown]
# The thin pale line, best seen between saucer and table, is **void**, id 255: nobody can say which class such a pixel is,
# so nobody is judged there.
#
# And id 0? For VOC it is *background*, a class like any other. For ADE20K, a later one, 0 in the file means "not
# labelled" and the classes begin at 1. There one subtracts 1, and 0 becomes void: in 8 bits, 0 - 1 is 255.

# %%
stored = torch.tensor([0, 1, 2, 150], dtype=torch.uint8)  # in the file
(stored - 1).tolist()

# %% [markdown]
# ## 3. A folder of pairs, checked before use
#
# A data set on disk is two folders of the same names. Here is VOC's layout, filled with twelve harbour pictures:

# %%
from course_lib.data.harbour import export

export(Harbour("train", count=12, size=(96, 128)), folder, layout="voc")
for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
    names = sorted(path.name for path in (folder / part).iterdir())
    print(f"{part:23} {len(names):2}  {names[0]}")

# %% [markdown]
# Photographs may be JPEG; labels are PNG, since JPEG smooths, and smoothed ids are other ids. The third folder lists
# each **split**: the pictures to train on, to choose by (*validation*), to test on. `LabelFolder` reads any two such
# folders, your own too, and gives pairs (image, labels). It needs a **class table**: the files do not know what their
# ids mean.

# %%
from course_lib.data.checker import check_labels
from course_lib.data.readers.own_folder import LabelFolder

pairs = LabelFolder(folder / "JPEGImages", folder / "SegmentationClass",
                    Harbour.classes)
print(check_labels(pairs, num_classes=12))

# %% [markdown]
# `check_labels` looks at every label picture *before* hours of training are spent on it: type, ids, sizes, share of
# void. Your own eyes see what it cannot: labels on the wrong thing. `browse` lays the labels over the pictures and leafs
# through any data set, void in stripes; choose a class, and only pictures that show it remain.

# %%
browse(pairs, columns=2, rows=1, largest=45_000,
       alt="Two harbour pictures under the colours of their labels; thin "
           "striped lines of void run between the classes.")

# %% [markdown]
# Somebody edits one file in a drawing program, and it comes back as grey values. Will it be caught?

# %%
from course_lib.errors import InputError

drawn = Path(pairs.file(3))
Image.open(drawn).convert("L").save(drawn)  # the brightness of each colour
try:
    check_labels(pairs, num_classes=12)
except InputError as error:
    print(str(error).replace(str(folder), "..."))

# %% [markdown]
# File, value, fix. Every trainer of this course calls the checker first.
#
# Real data sets come by command: `python -m course_lib data list` names them, `data fetch camvid` gets one and compares its
# checksum, `data check --dataset camvid` does what you did above.
#
# The same walk through the labels tells how often each class occurs. In training one may let the rare ones weigh more.
# The **median-frequency weight** of a class is the median of all classes' shares, divided by its own. (The share of a
# class is taken there over the pictures that show it; the column below takes it over all.)

# %%
from course_lib.data.statistics import class_statistics

train = world.dataset("train", count=100)
found = class_statistics((ids for _, ids in train),
                         world.classes.num_classes)
weights = found.median_frequency_weights()
for i in found.share.argsort(descending=True).tolist():
    name, share = world.classes.names[i], found.share[i]
    print(f"{name:12}{share:8.2%}  weight {weights[i]:6.2f}")
assert found.share.sort().values[-4:].sum() > 0.7  # four classes

# %% [markdown]
# From sky to buoy the share falls from a fifth to a two-thousandth, and the weight of a buoy pixel is above 30. Chapter 05
# will ask whether such weights help. Here they show what pixel accuracy is made of: the first four lines are 70 per cent.

# %% [markdown]
# ## 4. Other people's files
#
# Every public data set stores the same things in its own way, and a **reader** makes them alike. VOC, ADE20K and Cityscapes
# store a picture of ids. We export the harbour into their layouts. What do the files hold at a pixel of sky, of a boat,
# and of void?

# %%
scenes = Harbour("train", count=12, size=(96, 128))
ids = scenes[0][1]  # (96, 128)
files = {"voc": "SegmentationClass/*.png",
         "ade20k": "annotations/training/*.png",
         "cityscapes": "gtFine/train/*/*_labelIds.png"}
stored = {}
for layout, pattern in files.items():
    root = export(scenes, folder / layout, layout)
    stored[layout] = read_labels(min(root.glob(pattern)))
print("id  ", *files)
for i in (1, 6, 255):  # sky, boat, void
    row, column = (ids == i).nonzero()[0]
    found = [int(file[row, column]) for file in stored.values()]
    print("{:<4} {:<3} {:<6} {}".format(i, *found))

# %% [markdown]
# VOC stores the id, ADE20K the id + 1, to keep 0 for void. Cityscapes has 34 ids, and nets learn 19 of them (its classes are
# others; the harbour's borrow their numbers). No subtraction helps there. A **look-up table** does: 256 numbers, and the
# stored id says which one to take. The readers do this, and no more:

# %%
from course_lib.data.readers.ade20k import ADE20K
from course_lib.data.readers.cityscapes import Cityscapes, train_ids
from course_lib.data.readers.voc import VOCSegmentation

trained = [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
table = torch.full((256,), 255)  # all others become void
table[trained] = torch.arange(19)
assert torch.equal(table, train_ids())
city = table[stored["cityscapes"]]  # (96, 128), ids 0 to 18
read = {name: reader(folder / name)[0][1] for name, reader in
        (("voc", VOCSegmentation), ("ade20k", ADE20K),
         ("cityscapes", Cityscapes))}
assert torch.equal(read["voc"], ids) and torch.equal(read["ade20k"], ids)
assert torch.equal(read["cityscapes"], city)

# %%
grey = [stored[name].byte().expand(3, -1, -1) for name in read]
show(pictures([grey[1], grey[2], read["ade20k"]],
              ["file of ADE20K", "file of Cityscapes", "after the reader"],
              classes=Harbour.classes),
     alt="The label files of ADE20K and Cityscapes in a viewer, all but "
         "black; the same labels in colours after the reader.",
     data=[*grey, read["ade20k"]], largest=25_000)

# %% [markdown]
# Nearly black is how label files without a palette look in a viewer. They are not broken.
#
# COCO, a data set, and YOLO, a detector, tell of **things** (what can be counted) one by one, each with a box. Let a
# buoy fill columns 3 to 5 and rows 1 and 2, counted from 0, of a picture 8 wide and 4 high. Our box is *xyxy*, in
# pixels: left, top, right, bottom = (3, 1, 6, 3). Right and bottom lie one past the last pixel, so that 6 - 3 is the
# width. Three formats write:
#
# | | written | meaning |
# |---|---|---|
# | VOC xml | 4 2 6 3 | corners; pixels count from 1, and the last is inside |
# | COCO json | 3 1 3 2 | left, top, width, height |
# | YOLO txt | 0.5625 0.5 0.375 0.5 | centre and size, as shares of 8 and 4 |

# %%
import json
import re

from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.coco_json import write_coco
from course_lib.data.formats.voc_xml import write_voc_xml
from course_lib.data.formats.yolo_txt import write_yolo

one = Annotated("one.png", 8, 4, (Thing("buoy", (3.0, 1.0, 6.0, 3.0)),))
write_voc_xml(folder / "one.xml", one)
write_coco(folder / "one.json", [one], ["buoy"])
write_yolo(folder / "one.txt", one, ["buoy"])
xml, box, txt = ((folder / f"one.{end}").read_text()
                 for end in ("xml", "json", "txt"))
print(*re.findall(r"<(?:xm|ym)\w+>(\d+)", xml))
print(*json.loads(box)["annotations"][0]["bbox"])
print(txt.strip())

# %% [markdown]
# As on paper; YOLO's line begins with the class, counted from 0.
#
# A **mask** shows one thing: 1 inside, 0 outside. COCO writes the corners of its outline (a *polygon*), or **run
# lengths**: go down column after column and count the pixels outside, then those inside, then outside, and so on. Do it
# on paper:
#
# ```text
# 0 1 1 0
# 0 1 1 0
# 0 0 1 0
# ```

# %%
from course_lib.data import run_lengths

mask = torch.tensor([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]])
runs, inside = [0], 0
for pixel in mask.T.flatten().tolist():  # column after column
    if pixel != inside:
        runs.append(0)
        inside = pixel
    runs[-1] += 1
assert runs == run_lengths.encode(mask.numpy(), "coco")
assert (run_lengths.decode(runs, (3, 4), "coco") == mask.numpy()).all()
runs

# %% [markdown]
# Five numbers for twelve pixels. Where the first pixel lies inside, the first run is 0, since outside always begins.
#
# All three readers give the same boxes. Their labels differ: VOC's are the ids of our table, where the things begin at 6
# (boat). The others count things alone, from 1, since 0 is background, even where YOLO's file says 0:

# %%
from course_lib.data.readers.coco import CocoInstances
from course_lib.data.readers.voc_detection import VOCDetection
from course_lib.data.readers.yolo import YoloFolder

voc = VOCDetection(folder / "voc", classes=Harbour.classes)[0][1]
coco = CocoInstances(export(scenes, folder / "coco", "coco"))[0][1]
yolo = YoloFolder(export(scenes, folder / "yolo", "yolo"))[0][1]
for target in (coco, yolo):  # boxes (N, 4), xyxy
    assert torch.allclose(target["boxes"], voc["boxes"], atol=1e-3)
    assert torch.equal(target["labels"], voc["labels"] - 5)
print(len(voc["boxes"]), "boxes, three times the same")

# %% [markdown]
# Every layout has its trap:
#
# | data set | the trap |
# |---|---|
# | VOC | xml corners: x1 = xmin - 1, but x2 = xmax; y likewise |
# | ADE20K | 0 is void; read as a class, every id is one too high |
# | Cityscapes | `labelIds` need the look-up; `instanceIds` are label id x 1000 + number, in 16 bits |
# | COCO | 80 classes, but ids up to 90; masks overlap |
# | YOLO | class 0 is a thing; a picture without a txt has no things, or the folder `labels` is misspelt |
# | SBU shadow | 255 is *shadow*, a class; taken for void, nothing is left to learn |
#
# A converter goes from format to format and tells what it loses:

# %%
from course_lib.data.formats.convert import convert

report = convert(folder / "coco", "coco", folder / "as_yolo", "yolo")
print("objects", report.objects.total(), " lost", dict(report.lost))

# %% [markdown]
# All masks, and there is no way back. YOLO's line keeps the box alone; so does VOC's xml, in whole pixels. COCO keeps
# polygons and run lengths; a label picture forgets which of two touching boats is which. (In a terminal:
# `python -m course_lib convert --from coco --to yolo IN OUT`.)
#
# ## 5. Splits are sets
#
# We train nets on one set of pictures and choose among them by another, and no picture may be in both. With several
# lists about, that goes wrong in silence. VOC 2012 has 1,464 training and 1,449 validation pictures. Hariharan et al.
# labelled 11,355 of VOC's pictures anew (**SBD**) and split them their own way, 8,498 and 2,857. A common recipe adds
# SBD's training list to VOC's. Here are the four lists with their sizes and overlaps; the names are made up:

# %%
from course_lib.data.voc_splits import augmented_split, leaks


def names(*spans):
    return {f"{n:05d}" for first, end in spans for n in range(first, end)}


voc_val, voc_train = names((0, 1449)), names((1449, 2913))
sbd_train = names((0, 545), (1449, 2583), (2913, 9732))
sbd_val = names((545, 1103), (9732, 12031))
added = voc_train | sbd_train
print(len(added), len(voc_val), "in both:", len(added & voc_val))
assert len(leaks(added, voc_val)) == len(added & voc_val)
assert (len(voc_train), len(sbd_train), len(sbd_val)) == (1464, 8498, 2857)
assert len(sbd_train | sbd_val) == 11355

# %% [markdown]
# The net has seen the answers to more than a third of its exam. That is a **leak**: no error tells you, the mark is just too
# good. The cure is set arithmetic: choose what to validate on, and train on everything else. Three choices are in use:
# VOC's whole list; what of it SBD does not train on (RV, *restricted validation*); what of it SBD does not hold.

# %%
everything = voc_train | voc_val | sbd_train | sbd_val
held_out = {"voc": voc_val,
            "rv-voc12": voc_val - sbd_train,
            "no-sbd": voc_val - sbd_train - sbd_val}
for rule, val in held_out.items():
    train = everything - val
    print(f"{rule:9} {len(train):6} {len(val):5} leaks {len(train & val)}")
    split = augmented_split(voc_train, voc_val, sbd_train, sbd_val, rule)
    assert (set(split.train), set(split.val)) == (train, val)

# %%
lists = {"VOC": (voc_train, voc_val), "SBD": (sbd_train, sbd_val),
         "lists added": (added, voc_val)}
lists |= {f"rule {rule}": (everything - val, val)
          for rule, val in held_out.items()}
use = torch.tensor([[(name in train) + 2 * (name in val)
                     for name in sorted(everything)]
                    for train, val in lists.values()])  # (6, 12031)

# %%
from matplotlib.figure import Figure

from course_lib.data.classes import ClassTable
from course_lib.show import legend

kinds = ClassTable("use", ("neither", "training", "validation", "both"), (
    (238, 238, 238), (86, 180, 233), (230, 159, 0), (160, 20, 60)))
fig = Figure(figsize=(6.8, 2.4), layout="constrained")
ax = fig.subplots()
ax.imshow(kinds.colour_map()[use], aspect="auto", interpolation="nearest")
ax.set(title="12,031 pictures and what they are used for", xticks=[],
       yticks=range(6), yticklabels=lists)
ax.grid(visible=False)
legend(fig, kinds, [1, 2, 3])
show(fig, alt="Six bars, one for each list or split, from the 1,449 pictures "
              "of VOC's validation list on the left. Where the lists are "
              "added, the first 545 are used for both; in the splits below "
              "none is.",
     data=use, largest=25_000)

# %% [markdown]
# The dark red is gone. Most papers train by the first rule: look for "10,582". Marks on different ones cannot be compared.
#
# Names can lie. Let the twelve pairs of section 3 be a test set. Somebody saves one of their pictures among the training
# files, under another name:

# %%
copied = folder / "new_00001.png"
Image.open(pairs.pairs[7][0]).save(copied)
print("leaks by name:", len(leaks([copied], pairs)))
print("leaks by pixels:", len(leaks([copied], pairs, by="pixels")))

# %% [markdown]
# The pixels tell, as long as nobody compressed them anew. The next frame of the same film passes both tests; chapter 15
# comes to that.
#
# ## 6. Records: few large files
#
# (This section can wait until your data outgrow a folder.) A hundred thousand pairs are two hundred thousand files, and
# each must be looked up before its first byte comes. **Records** put the samples one behind the other into a few large
# files, the **shards**. Ours are tar files: 512 bytes about a member (name, length), then the member, filled up to a
# multiple of 512, and so on. A member may be any file: here `.npy`, which is a header of 128 bytes (dtype, shape) and
# the plain numbers.

# %%
import io
import tarfile

from course_lib.data.records import codec

shard = folder / "000000.tar"
with tarfile.open(shard, "w", format=tarfile.USTAR_FORMAT) as tar:
    for i in range(12):
        for part, content in codec.encode(scenes[i], "npy").items():
            member = tarfile.TarInfo(f"{i:08d}.{part}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
with tarfile.open(shard) as tar:
    index = {member.name: (member.offset_data, member.size) for member in tar}
for name in list(index)[:3]:
    print(f"{name:23} at {index[name][0]:6}, {index[name][1]} bytes")

# %% [markdown]
# Check it: a picture is 128 + 3 x 96 x 128 = 36,992 bytes. It fills 73 blocks of 512, and with a header before and one
# behind it the labels begin at 75 x 512 = 38,400. With such an index any member is one jump away (`seek`). The library's
# has a row for each sample, so that one read brings the picture and its labels:

# %%
from course_lib.data.records.index import sample_rows, unpack

at, size = index["00000007.image.npy"]
with open(shard, "rb") as file:
    file.seek(at)
    assert file.read(size) == codec.encode(scenes[7], "npy")["image.npy"]
    at, size, checksum = sample_rows(shard)[7].tolist()
    file.seek(at)
    sample = codec.decode(unpack(file.read(size)))
assert all(map(torch.equal, sample, scenes[7]))  # picture, labels

# %% [markdown]
# Bit for bit what went in. `write_shards` packs any data set so, and `Records` is a data set again, with a checksum for
# each sample. Only the writing needs the package webdataset, which Colab lacks.

# %%
from importlib.util import find_spec

from course_lib.data.readers.records import Records
from course_lib.data.records.write import write_shards

if find_spec("webdataset"):
    write_shards(scenes, folder / "records", samples=5)  # 3 shards
    records = Records(folder / "records")
    assert torch.equal(records[7][1], scenes[7][1])

# %% [markdown]
# Training wants a new order in every pass, a large file wants to be read from the front. A **shuffle buffer** serves
# both: a few samples wait, one of them leaves by chance, the next moves in.

# %%
import random


def shuffled(stream, buffer, chance):
    waiting = []
    for sample in stream:
        waiting.append(sample)
        if len(waiting) == buffer:
            yield waiting.pop(chance.randrange(buffer))
    chance.shuffle(waiting)
    yield from waiting


print(*shuffled(range(12), 4, random.Random(0)))

# %% [markdown]
# None leaves more than three places early, so the order of the shards is drawn anew too. `shard_stream` does both, and
# deals the shards out where several processes read.
#
# Does it pay? The kept card, a file of measured numbers in `chapters/results`, was made by `make bench`. Here are
# photographs of 480 x 360 a second, read in random order by one process. *Cold* is from the disk, *warm* is from files that
# wait in memory already.

# %%
from course_lib.show import card_table
from course_lib.training.cards import read_card

groups = read_card("benchmarks_records")["groups"]
ways = {"folder": "file-folder", "shards of the files": "file-by number",
        "shards of numbers": "npy-by number"}
rows = []
for state in ("cold", "warm"):
    group = groups[f"CamVid test, JPEG, 480x360, {state}, decoded"]
    found = [card for end in ways.values() for name, card in group.items()
             if name.endswith(f"{end}]")]
    speeds = [card["pictures_per_second"] for card in found]
    rows.append({"files": state, **dict(zip(ways, speeds, strict=True))})
card_table(rows, list(rows[0]))

# %%
(cold, plain_cold), (warm, plain_warm) = (
    [row[way] / row["folder"] for way in list(ways)[1:]] for row in rows)
assert 1.2 < cold < 1.35 and 0.9 < warm < 1.1
assert 2.4 < plain_cold < 2.6 and 4.5 < plain_warm < 5.5
assert 9.5 < found[2]["megabytes"] / found[0]["megabytes"] < 10.5
undecoded = groups["CamVid test, JPEG, 480x360, warm, bytes only"].values()
assert all(card["pictures_per_second"] > 20 * speeds[0] for card in undecoded)

# %% [markdown]
# Cold, shards of the same files gain nearly a third: a few long reads in place of many short ones. Warm, they gain nothing,
# since nearly all the time goes into decoding (without it, any way is more than twenty times as fast). Plain numbers need
# no decoding: 2.5 times as many pictures cold and 5 times warm, for ten times the space.

# %% [markdown]
# ## 7. Move both together
#
# We rarely feed pictures as they are: we scale, flip, crop. Whatever moves the picture must move its labels in the
# same way, with one difference. Doubling a *picture*, we mix neighbouring colours (**bilinear**), and grey between black
# and white does no harm. Mix **ids**, water 2 and buoy 11, and see what floats between them:

# %%
ids = torch.tensor([2.0, 2.0, 11.0, 11.0])  # water, water, buoy, buoy
mixed = F.interpolate(ids[None, None], scale_factor=2, mode="linear")
picked = F.interpolate(ids[None, None], scale_factor=2, mode="nearest-exact")
print("mixed: ", mixed.flatten().round().int().tolist())
print("picked:", picked.flatten().int().tolist())

# %% [markdown]
# In the harbour's table 4 is *lawn* and 9 is *mast*: a buoy ringed by lawn and mast, made by arithmetic. (On a row of
# numbers PyTorch calls it `linear`.) **Nearest** picks one of the old ids and can never invent; `nearest-exact` looks
# at the centre of the new pixel, so nothing shifts. On a whole picture the invented classes follow every border:

# %%
from course_lib.data.transforms import resize

corner, part = labels[76:108, 78:126], image[:, 76:108, 78:126]
mixed = F.interpolate(corner[None, None].float(), scale_factor=6,
                      mode="bilinear")[0, 0].round().long()
mixed[mixed >= world.classes.num_classes] = 255  # ids of no class at all
picked = resize(part, corner, (192, 288))[1]
assert set(picked.unique().tolist()) == set(corner.unique().tolist())
show(pictures([mixed, picked], ["mixed (bilinear)", "picked (nearest)"],
              classes=world.classes),
     alt="A buoy and a lamp post on water, enlarged six times. Mixed: both "
         "are lined with thin rims in the colours of other classes. Picked: "
         "clean steps.",
     data=[mixed, picked])

# %% [markdown]
# On the left thin rims carry ids between those of the two neighbours, and the legend names classes that are not there. (Void
# has grown: mixtures with 255 are ids of no class, shown as void.) No error tells you; a net would learn the rims.
#
# **Try it.** For training, `training_transform` chains flip, scaled crop, colour and blur, each for both at once. Here is its
# scaled crop alone: a window of fixed size on the scene, enlarged by `scale`. What will fill the window at scale 0.5,
# where the scene is too small for it? Say it, then look.

# %%
from course_lib.data.transforms import RandomScaledCrop
from course_lib.show import colourise

small = world.dataset("test", count=20, size=(96, 128))[1]


def at_scale(scale):
    torch.manual_seed(3)  # the same place each time
    picture, ids = RandomScaledCrop((96, 128), scale, scale)(*small)
    return pictures([picture, colourise(ids, world.classes)], columns=1)


explore(at_scale, scale=[0.5, 0.75, 1.0, 1.5, 2.0],
        alt="The scene at half, full and double size in a window of 128 x 96 "
            "pixels. At half size a wide frame is left around it: black in "
            "the picture, void in the labels.", largest=60_000)

# %% [markdown]
# At half size the window is larger than the scene. The frame is black in the picture and *void* in the labels. Why void
# and not 0? That is the common mistake of this chapter, further below.
#
# Pictures too large for memory are cut into **tiles** that overlap, and put together again. The last tile of a row starts
# early enough to end at the edge; where tiles overlap, each gives the half nearer to its centre. There and back must
# lose nothing:

# %%
from course_lib.data.tiles import tiles, untile

parts = tiles(image, size=100, overlap=20)  # (N, 3, 100, 100)
assert torch.equal(untile(parts, 192, 256, overlap=20), image)
tuple(parts.shape)

# %% [markdown]
# ## 8. The confusion matrix
#
# Now the mark. Take a label picture of 2 x 3 pixels and an answer, three classes, one pixel void:
#
# ```text
# truth     0 0 1        answer    0 1 1
#           1 2 255                1 2 2
# ```
#
# Count, for every pixel that is not void, which class it *is* (row) and which class was *answered* (column).

# %%
truth = torch.tensor([[0, 0, 1], [1, 2, 255]])
guess = torch.tensor([[0, 1, 1], [1, 2, 2]])
matrix = torch.zeros(3, 3, dtype=torch.int64)
for row in range(2):
    for column in range(3):
        if truth[row, column] != 255:
            matrix[truth[row, column], guess[row, column]] += 1
matrix

# %% [markdown]
# The diagonal holds what is right: 1 + 2 + 1 of 5 pixels. Off it stands one mistake, a pixel of class 0 taken for class
# 1. The table is all that the scores below will ask for.
#
# A loop over pixels is slow in Python. The trick: write row and column as *one* number, `3 * truth + guess`, from 0 to
# 8, and let `bincount` count each of the nine.

# %%
known = truth != 255
code = 3 * truth[known] + guess[known]  # (5,), each 0 to 8
assert torch.equal(code.bincount(minlength=9).view(3, 3), matrix)
counted = ConfusionMatrix(num_classes=3).update(truth, guess)
# the library's matrix has one more row and column, for void
assert torch.equal(counted.matrix[:3, :3], matrix)

# %% [markdown]
# Loop, `bincount` and library agree. Now the scores; check each on paper first.
#
# - **Pixel accuracy**: diagonal over all, 4 / 5.
# - **Mean accuracy**: of each class, how much was found: 1/2, 2/2, 1/1. Their mean is 5/6.
# - **Intersection over union (IoU)** of a class: pixels that *both* truth and answer give to it, over pixels that *either*
#   gives to it. Class 0: 1 / 2. Class 1: 2 / 3, since it also answered one pixel too many. Class 2: 1 / 1.
# - **Mean IoU**: the mean of these, 13/18. Without background, class 0: 5/6.
# - **Frequency-weighted IoU**: each IoU weighs as much as its class has pixels: (2 · 1/2 + 2 · 2/3 + 1 · 1) / 5 = 2/3.

# %%
right = matrix.diagonal()
iou = right / (matrix.sum(dim=1) + matrix.sum(dim=0) - right)  # (3,)
scores = counted.scores()
by_hand = torch.tensor([4 / 5, 5 / 6, 13 / 18, 5 / 6, 2 / 3])
measured = torch.tensor([
    scores.pixel_accuracy, scores.mean_accuracy, scores.mean_iou,
    scores.mean_iou_without_background, scores.frequency_weighted_iou])
assert torch.allclose(measured, by_hand)
assert torch.allclose(scores.class_iou.float(), iou)

# %% [markdown]
# In the mean IoU **every class has one vote**, however few its pixels, and a class that is lost has the IoU 0. Does that
# catch our machine?

# %%
whole = ConfusionMatrix(world.classes.num_classes).update(labels, answer)
print(f"pixel accuracy {whole.scores().pixel_accuracy:.3f}")
print(f"mean IoU       {whole.scores().mean_iou:.3f}")

# %% [markdown]
# A loss of 0.002 here, of 0.084 there: one vote of twelve is gone, and the mark says so.
#
# ### Four choices hidden in one number
#
# Two papers can print a mean IoU of the same answers and differ. Four choices hide in it.
#
# **Void.** We left the void pixel out. It was answered with class 2; one may also call that a false alarm. Then class 2
# has IoU 1/2, and the mean falls from 13/18 to 5/9.
#
# **Absent classes.** Let there be a fourth class that occurs in neither picture. Its IoU is 0/0, `nan`, and the plain mean
# of anything with `nan` is `nan`. The rule here: such a class has no vote. (A class that the answer has and the truth has not,
# or the reverse, has IoU 0, and it votes.)

# %%
assert abs(counted.scores(void="counted").mean_iou - 5 / 9) < 1e-9
four_classes = ConfusionMatrix(num_classes=4).update(truth, guess).scores()
print("IoU:", [round(value, 2) for value in four_classes.class_iou.tolist()])
assert four_classes.class_iou.mean().isnan()
assert abs(four_classes.mean_iou - 13 / 18) < 1e-9

# %% [markdown]
# **Pooled or by picture.** Let a second picture be all class 0 and all right. We can sum both matrices and then divide
# (**pooled**, what benchmarks do), or mark each picture and take the mean. Pooled, class 0 has 7/8, and the mean IoU
# is (7/8 + 2/3 + 1) / 3 = 61/72; the library calls it `"macro"`. By picture it is (13/18 + 1) / 2 = 31/36.

# %%
from course_lib.metrics import reduced_iou

plain = torch.zeros(2, 3, dtype=torch.int64)
second = ConfusionMatrix(num_classes=3).update(plain, plain)
pooled = reduced_iou([counted, second], "macro")
by_picture = reduced_iou([counted, second], "per_image")
print(f"pooled {pooled:.3f}, by picture {by_picture:.3f}")
assert abs(pooled - 61 / 72) + abs(by_picture - 31 / 36) < 1e-9

# %% [markdown]
# **Area or boundary.** A machine sees every square one pixel too small on each side. Is that a small mistake? The IoU
# says: it depends on the square. **Boundary IoU** compares only the rims of the two, here what lies inside the square and
# within 2 pixels of its edge.

# %%
from course_lib.metrics import boundary_iou

for side in (20, 40):
    square, small = torch.zeros(2, 64, 64, dtype=torch.int64)
    square[8:8 + side, 8:8 + side] = 1
    small[9:7 + side, 9:7 + side] = 1
    area = ConfusionMatrix(2).update(square, small).scores().class_iou[1]
    edge = boundary_iou(square, small, num_classes=2, distance=2)[1]
    print(f"square of {side} px: IoU {area:.2f}, boundary IoU {edge:.2f}")

# %% [markdown]
# The same mistake costs the small square twice as much IoU, and the same boundary IoU. That is why masts and poles have
# low IoUs everywhere: they are all boundary.

# %% [markdown]
# ## A common mistake
#
# Crops that reach beyond the picture must be padded, and nearly every tool pads with 0. In a *picture* 0 is black; in
# *labels* 0 is a class. Widely used training code pads VOC's labels so, and nothing crashes. Let us pad our scene to twice
# its width and ask how good the laziest machine is, the one that answers 0 everywhere.

# %%
from course_lib.data.transforms import crop_or_pad

padded = {"none": labels, "0": F.pad(labels, (128, 128, 0, 0)),
          "255": crop_or_pad(image, labels, (192, 512))[1]}
lazy = {}
for name, ids in padded.items():
    lazy[name] = (ids[ids != 255] == 0).double().mean().item()
    print(f"padding {name:4}: {lazy[name]:6.1%} of the pixels are 'right'")
assert lazy["0"] > 0.5 and lazy["255"] == lazy["none"]

# %% [markdown]
# Padded with 0, the lazy machine is right in more than half of the pixels, since half of them are padding. A net finds
# that out: it learns "black is background", at no use to anyone. Padded with 255 the share does not move. The fix is one
# word, `fill=255` for the labels; the transforms of the course do it.

# %% [markdown]
# ## The failure curve
#
# Back to the question. Our machine is perfect but for the buoys. How many points out of 100 does each mark take off for
# that, as buoys grow rarer? The marks are pixel accuracy (old), mean IoU pooled (new), and mean IoU by picture.
# `cost_of_losing` does what you did above, over 70 test pictures of each of three harbours (seeds).

# %%
from course_lib.metrics import cost_of_losing
from course_lib.show import failure_curve

water = Harbour.classes.index("water")
dial, curves = [0.02, 0.1, 0.3, 0.6, 1.0], {}
for seed in range(3):
    for rarity in dial:
        scenes = Harbour("test", count=70, seed=seed, rarity=rarity)
        cost = cost_of_losing((ids for _, ids in scenes), buoy, water, 12)
        for mark, points in cost.items():
            curves.setdefault(mark, {}).setdefault(seed, []).append(points)

# %%
card = {"dial": "rarity", "values": dial, "methods": curves,
        "score": "points off for losing all buoys"}
show(failure_curve(card),
     alt="Points taken off against rarity. Pixel accuracy lies on the floor "
         "at every rarity, mean IoU stays above 8 points, and mean IoU by "
         "picture falls from above 8 points to below 2 as buoys grow rare.",
     data=[list(seeds.values()) for seeds in curves.values()],
     largest=30_000)

# %%
first = {mark: torch.tensor(list(seeds.values()))[:, 0]  # at 0.02, (3,)
         for mark, seeds in curves.items()}
claim("points pixel accuracy takes off at rarity 0.02",
      first["pixel accuracy"].max(), at_most=0.05)
claim("points mean IoU takes off there",
      first["mean IoU"].min(), at_least=8.3)
claim("points mean IoU by picture takes off there",
      first["mean IoU by picture"].max(), at_most=3)

# %% [markdown]
# Read it from right to left, from common buoys to rare ones. Pixel accuracy never takes off a point, and at the end less
# than a twentieth of one. The pooled mean IoU holds: one class of twelve is lost, at least 100/12 = 8.3 points, at every
# rarity. The third line is a warning. By picture, most pictures have no buoy to lose, so this mean forgets as well. In
# this course *mean IoU* is always the pooled one.

# %% [markdown]
# ## On real data
#
# CamVid has 701 street scenes in 11 classes. Its rarity cannot be dialled, but its classes differ in it by themselves.
# Here are the six rarest: their share of the labelled test pixels, how many of the 233 test pictures show them, and
# what our marks take off when one of them alone is lost to the most frequent class. The kept card was made by
# `python -m course_lib.data.label_card`.

# %%
camvid = read_card("labels_camvid")
test, points = camvid["splits"]["test"], camvid["points_lost"]
six = sorted(test["class_share"], key=test["class_share"].get)[:6]
rows = [{"class": name, "share": f"{test['class_share'][name]:.1%}",
         "pictures": test["class_pictures"][name], **points[name]}
        for name in six]
card_table(rows, columns=list(rows[0]))

# %%
fig = Figure(figsize=(6.8, 3.0), layout="constrained")
ax = fig.subplots()
for mark in points["pole"]:
    off = [points[name][mark] for name in six]
    ax.plot(off, six, linestyle="", label=mark)
ax.set(title="CamVid: points off for losing one class", xlim=(0, 12))
fig.legend(loc="outside lower center", ncols=3)
show(fig, alt="Points taken off for losing each of the six rarest classes. "
              "Pixel accuracy 4 or less, mean IoU 9 to 10 for all; by picture "
              "3 and 4 for bicyclist and fence, 10 to 11 for the others.",
     data=[list(points[name].values()) for name in six], largest=30_000)

# %% [markdown]
# The old and the new mark do as in the harbour: pixel accuracy hardly sees the rare classes go, the pooled mean IoU takes
# off more than 9 points for each. On the third, photographs and harbour disagree. Poles hold one pixel in eighty, but they
# stand in 232 of 233 pictures, and the mark by picture notices them. Cyclists and fences stand in 77 and 90 pictures, and
# it half forgets them. (A picture shows fewer than 11 classes, so there one class is a larger share of the votes.)
# *Rare in pixels* and *rare in pictures* are two things; our dial turns both at once.
#
# And void? 3.8 per cent of these pixels have no label. Here are the same answers of one net, ESPNet, with void ignored
# and with every answer on void counted as wrong:

# %%
both = [{"void": void, **camvid["predictions"][f"void_{void}"]}
        for void in ("ignored", "counted")]
card_table(both, ["void", "pixel_accuracy", "mean_accuracy", "mean_iou"])
assert round(100 * (both[0]["mean_iou"] - both[1]["mean_iou"]), 1) == 1.5
assert min(points[name]["mean IoU"] for name in six) > 9
assert round(100 * test["void_share"], 1) == 3.8

# %% [markdown]
# One and a half points of mean IoU for a word in the small print, as much as many papers claim for a new net. The 55.6
# published for ESPNet (Mehta et al., ECCV 2018) counts void; ours were measured on JPEG copies of the pictures, which moves
# the first decimal. Always ask.
#
# With the photographs at hand (`COURSE_WORLD=real`), the next cell counts their labels again.

# %%
if world.name == "real":
    street = world.dataset("test")
    assert not leaks(world.dataset("train"), street)
    again = class_statistics(map(street.labels, range(len(street))), 11)
    assert again.share.tolist() == list(test["class_share"].values())
    assert again.pictures.tolist() == list(test["class_pictures"].values())

# %% [markdown]
# ## Exercises
#
# ### Exercise 01.1: pad a pair
#
# Write `pad_pair`: it adds rows **below** and columns **on the right** until picture (3, H, W) and labels (H, W) are
# `height` x `width`. New pixels are black in the picture, void in the labels. The labels `[[1, 2]]` padded to 2 x 3 become
#
# ```text
# 1    2    255
# 255  255  255
# ```
#
# <details><summary>First step</summary>
#
# Make the full-size tensor first: `torch.full((height, width), 255)` for the labels. And for the picture?
#
# </details>
# <details><summary>Second step</summary>
#
# Write the old numbers into its upper left corner: `new[:H, :W] = labels`, with H and W from `labels.shape`. The picture
# keeps its `dtype` with `image.new_zeros(3, height, width)`. Give back both: `return new_image, new_labels`.
#
# </details>

# %%
def pad_pair(image, labels, height, width):
    raise NotImplementedError

# %%
check("01.1", pad_pair)

# %% [markdown]
# ### Exercise 01.2: IoU from the matrix
#
# Write `class_iou`: from a confusion matrix (C, C), rows truth and columns answer, give the IoU of each class (C,). A class
# that occurs in neither must be `nan`.
#
# <details><summary>First step</summary>
#
# The intersection of class c is `matrix[c, c]`. Which sum is "all pixels that are c in truth", the row or the column?
#
# </details>
# <details><summary>Second step</summary>
#
# Row sum + column sum counts the intersection twice, so take it off once. And 0 / 0 is already `nan` in PyTorch.
#
# </details>

# %%
def class_iou(matrix):
    raise NotImplementedError

# %%
check("01.2", class_iou)

# %% [markdown]
# ### Exercise 01.3: find the mistake
#
# A net gives a number, a **logit**, for each class at each pixel: (C, H, W). Its answer is the class with the largest logit.
# This function, much as it stood in a library for years, gives another pixel accuracy than the confusion matrix does:
#
# ```python
# def pixel_accuracy(logits, labels):
#     answer = logits.long().argmax(dim=0)
#     return (answer == labels).float().mean().item()
# ```
#
# There are **two** mistakes. Write it so that it is right.
#
# <details><summary>First step</summary>
#
# Take one pixel with the logits 0.2 and 0.7. What does `.long()` make of them, and which class wins a tie?
#
# </details>
# <details><summary>Second step</summary>
#
# The other mistake sits in the mean: which pixels may not be in it?
#
# </details>

# %%
def pixel_accuracy(logits, labels):
    raise NotImplementedError

# %%
check("01.3", pixel_accuracy)

# %% [markdown]
# ### Exercise 01.4: draw run lengths
#
# Write `draw_runs`, the way back from section 4: from run lengths (outside, inside, outside, ...) and a size give the mask
# (`height`, `width`) of 0 and 1. Remember the order of the pixels.
#
# <details><summary>First step</summary>
#
# Make the long row of pixels first: a list that grows by `[inside] * run`, where `inside` is 0, then 1, then 0, ...
#
# </details>
# <details><summary>Second step</summary>
#
# The row holds column after column. `view(width, height)` puts each *column* into a row of its own; `.T` turns it.
#
# </details>

# %%
def draw_runs(runs, height, width):
    raise NotImplementedError

# %%
check("01.4", draw_runs)

# %% [markdown]
# ## Quiz
#
# 1. A label picture in VOC's palette is opened as RGB, and a pixel is (0, 128, 0). Which id was stored?
# 2. Net A has pixel accuracy 0.97 and mean IoU 0.61, net B 0.96 and 0.72. What do you know about B, and which of them steers
#    your boat?
# 3. A net has trained on the training lists of VOC and SBD. How many of VOC's 1,449 validation pictures has it seen, and on
#    how many may you mark it?
#
# ## What you learned
#
# - You can read a picture, (3, H, W) uint8, and its label picture, (H, W) ids, and tell ids from colours and greys.
# - You can check the labels of a folder before training (type, ids, sizes, share of void), and its splits for leaks.
# - You can open the files of other data sets: ids, id + 1, look-up tables, corners from 1, shares, run lengths, shards.
# - You can transform a picture and its labels together without inventing ids: they are picked, never mixed; padding is void.
# - You can compute a confusion matrix by hand, choose a mark that notices when a rare class is lost, and know the four
#   choices it hides: void, absent classes, pooled or by picture, area or boundary.
#
# New in your hands: `read_labels`, `LabelFolder`, `check_labels`, `browse`, a reader for each data set, `convert`, `leaks`,
# `Records`, `training_transform`, `ConfusionMatrix`, `boundary_iou`.
#
# ## Read more
#
# - Everingham et al., [The PASCAL Visual Object Classes Challenge](https://doi.org/10.1007/s11263-009-0275-4), IJCV 2010: the
#   label picture, the void line and the IoU; [our note](../literature/notes/01_pascal_voc.md) sums it up.
# - Csurka, Larlus and Perronnin, [What is a Good Evaluation Measure for Semantic
#   Segmentation?](https://doi.org/10.5244/C.27.32), BMVC 2013: pooled, by picture or at the boundary, on real nets.
# - Cheng et al., [Boundary IoU](https://arxiv.org/abs/2103.16562), CVPR 2021: why large objects hide bad edges.
# - Eigen and Fergus, [Predicting Depth, Surface Normals and Semantic Labels](https://arxiv.org/abs/1411.4734), ICCV 2015:
#   section 6.3.1 has the median-frequency weights.
