# %% [markdown]
# # 06. Dilated ResNets: a finer map from the same weights
#
# Strides made the map coarse. You take the strides out of a trained net, put holes into its kernels instead, and prove that it
# still says what it said before, and sixteen times as often.
#
# ## What you will be able to do
#
# - dilate a convolution by hand, and give its reach, its padding and the size of its map
# - see the gridding of stacked dilations, and choose dilations without holes
# - turn the strides of a ResNet into dilation, and prove that the old answers are all still there
# - say what a finer map costs in operations, memory and time, and what it brings
# - find the pixel at which a cell looks, and align the map with the picture
#
# ## Before you start
#
# You need chapters 02 and 03. About 70 minutes; the cells run in about 60 seconds on a CPU.

# %%
# setup

# %%
import copy

import torch
import torch.nn.functional as F
from torch import nn

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.models import build
from course_lib.paths import weights_dir
from course_lib.show import explore, pictures, show
from course_lib.teaching import check, claim
from course_lib.training.checkpoint import load_net
from course_lib.training.evaluation import evaluate_net

world = course_lib.world("harbour")  # or "real"

# %% [markdown]
# ## The question
#
# Chapter 03 fetched thin things from the finer maps inside the net. Here is a net without such help: a **ResNet-18** with one
# score layer behind its last map, enlarged by 32. It comes with the course: 16 channels in its first stage (the usual ResNet-18 has
# 64), trained on harbours with masts and posts of all widths.
#
# **Try it.** Turn up the width of masts and posts. When does the net begin to see them?

# %%
coarse, _ = load_net(weights_dir() / "resnet18_32s_harbour.safetensors")


@torch.no_grad()
def predict(net, image):
    return net(normalise(image)[None])["out"][0].argmax(0)  # (H, W)


def seen_at(thin):
    image, truth = Harbour("test", thin=thin)[6]
    fig = pictures([truth, predict(coarse, image)], columns=1,
                   classes=Harbour.classes)
    fig.set_size_inches(fig.get_size_inches() * 0.7)
    return fig


explore(seen_at, thin=(1, 8), largest=60_000,
        alt="Labels with masts and posts of 1, 4 and 8 pixels; below each the "
            "prediction: soft bands of sky, houses and road, no mast.")

# %% [markdown]
# Masts: never, in these pictures. Posts: a soft band where the railing is, and no post in it. The net halves its map five times:
# in the first convolution, in a pooling, and at the door of its stages `layer2`, `layer3` and `layer4`. So why not set
# the last two of these strides to 1? No weight depends on a stride.

# %%
test_set = Harbour("test", count=60)  # 96 x 128 pixels


def mean_iou(net):
    return evaluate_net(net, test_set).scores().mean_iou


torn = copy.deepcopy(coarse)
for stage in (torn.backbone.layer3, torn.backbone.layer4):
    stage[0].conv1.stride = stage[0].downsample[0].stride = (1, 1)
images = normalise(torch.stack([test_set[i][0] for i in range(4)]))
with torch.no_grad():
    for net in (coarse, torn):
        print(tuple(net.backbone(images)[-1].shape))
left = mean_iou(torn) / mean_iou(coarse)
claim("mean IoU as trained", mean_iou(coarse), at_least=0.28)
claim("share of it left, two strides gone", left, at_most=0.5)

# %% [markdown]
# The map has 16 times the cells, every weight is where it was, and more than half of the score is gone. The strides meant
# something to the layers *behind* them. What did they mean, and can it be kept?

# %% [markdown]
# ## 1. A kernel with holes
#
# A **dilated convolution** takes its pixels not side by side but $d$ apart. (French calls it *à trous*, with holes; some
# papers say *atrous*.) A row of eight numbers, a kernel of three, dilation 2:

# %%
row = torch.tensor([1.0, 2.0, 4.0, 3.0, 5.0, 0.0, 2.0, 6.0])
kernel = torch.tensor([1.0, 10.0, 100.0])


def conv(x, kernel, **how):
    return F.conv1d(x.view(1, 1, -1), kernel.view(1, 1, -1), **how).flatten()


by_hand = torch.stack([row[i] + 10 * row[i + 2] + 100 * row[i + 4]
                       for i in range(4)])
assert torch.equal(conv(row, kernel, dilation=2), by_hand)
by_hand

# %% [markdown]
# 541 = 1·1 + 10·4 + 100·5: the first, third and fifth number. A kernel of 5 with zeros in its holes would do the same. So
# three weights now *reach* over $d(k-1)+1$ pixels, and cost what three weights cost.

# %%
with_zeros = torch.tensor([1.0, 0.0, 10.0, 0.0, 100.0])
assert torch.equal(conv(row, with_zeros), by_hand)
print(" d  reach  padding  cells")
for d in (1, 2, 4, 8):
    reach, padding = d * (3 - 1) + 1, d * (3 // 2)
    cells = len(conv(torch.zeros(24), kernel, dilation=d, padding=padding))
    assert cells == 24 + 2 * padding - (reach - 1)
    print(f"{d:2} {reach:6} {padding:8} {cells:6}")

# %% [markdown]
# The last two columns are the rule to keep: with a padding of $d \lfloor k/2 \rfloor$ a map keeps its size, whatever the
# dilation.

# %% [markdown]
# ## 2. Gridding
#
# Dilation looks like a free lunch: a wide view, few weights, no stride. The bill comes when layers are stacked. Three
# layers of kernel 3 with the dilation 2 each: which numbers of the row has the middle cell seen? Each layer moves by $-d$, 0
# or $d$, so we collect the sums.

# %%
def offsets(dilations):
    seen = {0}
    for d in dilations:
        seen = {at + step for at in seen for step in (-d, 0, d)}
    return sorted(seen)


print("2, 2, 2:", offsets([2, 2, 2]))
print("1, 2, 5:", offsets([1, 2, 5]))

# %% [markdown]
# Every second number is missing from the first line: the cell has seen 7 of 13. Its neighbours have seen the *other* ones. So
# two answers side by side have no pixel in common: this is **gridding**. The dilations 1, 2, 5 add up to
# a wider view, 17, and leave nothing out.
#
# In two dimensions; the brighter a pixel, the more ways lead from it to the middle cell:

# %%
def ways(*dilations, size=25):
    image = torch.zeros(1, 1, size, size, requires_grad=True)
    x = image
    for d in dilations:
        x = F.conv2d(x, torch.ones(1, 1, 3, 3), padding=d, dilation=d)
    x[0, 0, size // 2, size // 2].backward()
    return image.grad[0, 0]  # (size, size)


grids = [ways(2, 2, 2), ways(1, 2, 5)]
fig = pictures([grid.sqrt() for grid in grids],
               ["dilations 2, 2, 2", "dilations 1, 2, 5"])
fig.set_size_inches(fig.get_size_inches() * 0.62)
show(fig, alt="Left: a grid of separate bright squares with dark lines "
              "between. Right: a larger square without any hole.", data=grids,
     largest=25_000)
print([int((grid > 0).sum()) for grid in grids], "pixels seen")
assert [int((grid > 0).sum()) for grid in grids] == [7**2, 17**2]

# %% [markdown]
# 49 pixels of a square of 169 on the left, all 289 on the right, with the same 27 weights.
#
# **Try it.** The last dilation is yours; 1 and 2 stand before it. From which value on are there holes again?

# %%
def last_dilation(d):
    fig = pictures([ways(1, 2, d).sqrt()], [f"dilations 1, 2, {d}"])
    fig.set_size_inches(fig.get_size_inches() * 0.55)
    return fig


explore(last_dilation, d=(2, 8), largest=30_000,
        alt="What dilations of 1, 2 and a last one of 2, 5 and 8 see: with "
            "8, dark lines of pixels that are left out.")

# %% [markdown]
# The layers 1 and 2 see 7 numbers without a hole, so steps of up to 7 fit together. In general: go through the dilations from the
# smallest to the largest; what the smaller ones have filled must be at least as wide as the next. (In which order the layers
# stand does not matter: a sum does not ask.)

# %% [markdown]
# ## 3. Stride into dilation, on a row
#
# Now back to the torn net. Two layers, small enough for paper: `a` has the stride 2, `b` follows. (Each is padded by one
# zero at both ends.)

# %%
a = torch.tensor([0.0, 1.0, 1.0])
b = torch.tensor([1.0, 0.0, -1.0])
old = conv(conv(row, a, stride=2, padding=1), b, padding=1)  # (4,)
print("old ", old.tolist())

# %% [markdown]
# Without the stride, `a` gives its answers at every place, the old ones and new ones in between. But `b` now finds the *new*
# ones beside it. It was trained on neighbours that were two apart. So let it take neighbours two apart:

# %%
full = conv(row, a, padding=1)  # (8,)
torn_row = conv(full, b, padding=1)
new = conv(full, b, padding=2, dilation=2)
print("torn", torn_row.tolist())
print("new ", new.tolist())
assert torch.equal(new[::2], old)
assert not torch.equal(torn_row[::2], old)

# %% [markdown]
# Every second number of `new` is an old answer, to the bit. That is the whole **surgery**: *the layer that had the stride
# keeps its kernel; every layer behind it is dilated by the stride that went.* And the numbers in between?

# %%
shifted = torch.cat([row[1:], torch.zeros(1)])
between = conv(conv(shifted, a, stride=2, padding=1), b, padding=1)
print("old net on the row, one step on:", between.tolist())
assert torch.equal(new[1::2], between)

# %% [markdown]
# They are what the old net says of the row moved on by one pixel. (At the border the zeros of the padding stand elsewhere;
# here that does no harm, since the first weight of `a` is 0.) So the new net is not a new opinion. It is the old net, asked at
# twice as many places.

# %% [markdown]
# ## 4. Surgery on a ResNet
#
# A ResNet-18 is a stem and four stages of two **BasicBlocks**; a block is two 3x3 convolutions and a short cut around them. In
# the first block of `layer2` to `layer4` the first convolution has the stride, and the short cut has it too. The bigger ResNets use
# **Bottlenecks**: 1x1, 3x3, 1x1, with the stride on the 3x3. The rule is the same for both.

# %%
def undo_stride(stage, before):
    """Undo a stride of 2; the stages before left a dilation of ``before``."""
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d):
            strided = layer.stride == (2, 2)
            d = before if strided else 2 * before
            layer.stride = (1, 1)
            if layer.kernel_size == (3, 3):
                layer.dilation = layer.padding = (d, d)


mine = copy.deepcopy(coarse)
undo_stride(mine.backbone.layer3, before=1)
undo_stride(mine.backbone.layer4, before=2)
for name, layer in mine.backbone.layer4.named_modules():
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
        print(f"layer4.{name}: dilation {layer.dilation[0]}")

# %% [markdown]
# The strides of both stages went, so the last kernels take cells 4 apart, and a cell is 8 pixels: 32 pixels from weight to weight,
# as before. The library does this to any ResNet; ask for the **output stride** you want.

# %%
from course_lib.models.dilation import stride_to_dilation

fine = copy.deepcopy(coarse)
stride_to_dilation(fine.backbone, output_stride=8)
with torch.no_grad():
    old_map = coarse.backbone(images)[-1]  # (4, 128, 3, 4)
    new_map = fine.backbone(images)[-1]  # (4, 128, 12, 16)
    torch.testing.assert_close(mine.backbone(images)[-1], new_map)
torch.testing.assert_close(new_map[..., ::4, ::4], old_map,
                           atol=1e-4, rtol=1e-4)
print("every 4th cell of", tuple(new_map.shape[-2:]), "is one of",
      tuple(old_map.shape[-2:]))

# %% [markdown]
# The old answers are all there. torchvision itself can do this to Bottlenecks only:

# %%
from torchvision.models import resnet18, resnet50

try:
    resnet18(replace_stride_with_dilation=[False, True, True])
except NotImplementedError as error:
    print("NotImplementedError:", error)
stock = resnet50(replace_stride_with_dilation=[False, True, True])
ours = stride_to_dilation(resnet50(), output_stride=8)
for net in (stock, ours):
    print([block.conv2.dilation[0] for block in net.layer4])

# %% [markdown]
# Equal dilations there, and the tests of the course hold the outputs equal too. Now the score after the surgery, and what a
# little training makes of it: 60 steps on 64 pictures. To be fair, the coarse net and the torn one get the same steps.

# %%
claim("mean IoU after the surgery", mean_iou(fine), at_most=0.25)
pairs = [Harbour("train")[i] for i in range(64)]
inputs = normalise(torch.stack([image for image, _ in pairs]))
labels = torch.stack([torch.as_tensor(mask) for _, mask in pairs])


def train(net):
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    torch.manual_seed(0)
    net.train()
    for step in range(60):
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / 60)
        batch = torch.randint(64, (8,))
        loss = F.cross_entropy(net(inputs[batch])["out"], labels[batch],
                               ignore_index=255)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


# %%
claim("60 more, dilated", mean_iou(train(fine)), at_least=0.42)
claim("60 more, coarse", mean_iou(train(copy.deepcopy(coarse))), at_most=0.41)
claim("60 more, torn", mean_iou(train(copy.deepcopy(torn))), at_least=0.42)

# %%
image, truth = Harbour("test", thin=6)[6]
maps = [truth, predict(coarse, image), predict(torn, image),
        predict(fine.eval(), image)]
fig = pictures(maps, ["truth", "stride 32, as trained", "strides gone",
                      "dilated, 60 steps more"], columns=2,
               classes=Harbour.classes)
fig.set_size_inches(fig.get_size_inches() * 0.75)
show(fig, alt="Truth; soft bands at stride 32; a patchwork without strides; "
              "and with dilation houses, cars and a boat in their places.",
     largest=60_000)

# %% [markdown]
# Masts and posts are still all but missing: 60 steps, on pictures with masts of 2 pixels, are too few. (The nets of the failure curve
# had 800, on all widths.)
#
# Why did the surgery alone score so low, if every old answer is there? Because three of four rows and columns are *between*
# the old places, and this net was never asked there: it saw every training picture whole, never moved by 8 pixels. (Nets that
# trained on moved crops have an answer there; see *On real data*.) And it had learnt to place an answer up to 16 pixels from
# where it looks; that is section 6.
#
# So the weights are a good start, not an end. The steps alone are not it: the coarse net gains little from them. But read
# the last claim, too. The *torn* net gets there as well: training mends its neighbours, and on pictures this small its shorter
# reach does no harm that we can see. The surgery keeps what the net knew, and that counts where nobody trains afterwards.

# %% [markdown]
# ## 5. The family, and what a finer map costs
#
# `resnet18_8s` is the name of such a net in the course: the ResNet's depth, then the output stride. (`resnet9` is
# our smallest: one block a stage.) `build` takes the `width` of the first stage as an option; here it is 64, as in the
# papers. On the device `meta` nothing is computed, and operations are counted all the same.

# %%
from torch.utils.flop_counter import FlopCounterMode


def cost(name, side=512):
    """Millions of parameters, billions of operations a picture."""
    with torch.device("meta"):
        net = build(name, num_classes=21).eval()
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, 3, side, side))
    count = sum(p.numel() for p in net.parameters())
    return count / 1e6, counter.get_total_flops() / 1e9


print("ResNet  million       billion operations at")
print("        parameters     32s     16s      8s")
for depth in (9, 18, 34, 50, 101):
    costs = [cost(f"resnet{depth}_{stride}s") for stride in (32, 16, 8)]
    assert len({parameters for parameters, _ in costs}) == 1
    assert 4.3 < costs[2][1] / costs[0][1] < 5.1
    print(f"{depth:6} {costs[0][0]:9.1f} ",
          *(f"{flops:7.1f}" for _, flops in costs))

# %% [markdown]
# No parameter more, and four to five times the operations from 32s to 8s. Check one layer: a 3x3 convolution of 512 channels
# costs $2 \cdot 9 \cdot 512 \cdot 512$ operations a cell. At stride 32 a picture of 512 x 512 has 256 cells, at stride 8 it has 4,096:
# 16 times the cells, 16 times the operations. (Less in all, since the early stages stay as they are.)
# Dilation itself is free; the *cells* cost. The benchmark of the course measured time and memory as well:

# %%
from course_lib.show import card_table
from course_lib.training.cards import read_card

group = "resnet18 at output strides, a picture of 512x512 px"
measured = read_card("benchmarks")["groups"][group]
costs = {s: measured[f"test_output_stride[{s}]"] for s in (32, 16, 8)}
print("net             billion    time, where   MB kept for training,")
print("             operations    32s takes 1     of one picture")
for stride, at_stride in costs.items():
    print(f"resnet18_{stride}s".ljust(13), f"{at_stride['gigaflops']:9.1f}",
          f"{at_stride['times_the_fastest']:14.2f}",
          f"{at_stride['megabytes_kept']:18}")
assert round(cost("resnet18_8s")[1], 1) == costs[8]["gigaflops"]
assert costs[8]["times_the_fastest"] > 2.5
assert 1.5 < costs[8]["megabytes_kept"] / costs[32]["megabytes_kept"] < 2

# %% [markdown]
# Memory grows less than time: most of it is in the stem and the first stages, which have not changed. Is it worth the price?
# In the harbour's table every net was trained by one recipe, for the same number of *steps*. Where the card also
# holds equal *time*, as many steps as fit into the same seconds, a second table follows.

# %%
from course_lib.training.compare import summary

table = read_card("table_harbour")
nets = [f"ResNet-18-{stride}s" for stride in (32, 16, 8)]
runs = {row["net"]: row["runs"] for row in table["rows"] if "runs" in row}


def scores(net, column):
    return [run["mean_iou"] for run in runs[net][column].values()]


for column in runs[nets[2]]:
    rows = [r for r in summary(table, column) if r["net"] in nets]
    card_table(rows, {"net": column, "steps": "steps",
                      "mean_iou": "mean IoU, % (seeds)"})
    assert min(scores(nets[1], column)) > max(scores(nets[0], column)) + 0.1
    assert min(scores(nets[2], column)) > max(scores(nets[1], column)) + 0.05

# %% [markdown]
# The finer map wins, by far more than the three seeds differ. On pictures of 96 x 128 pixels a map of stride 32 has 3 x 4 cells, so
# the harbour is merciless to it.
#
# Two variants to know. A **deep stem** replaces the 7x7 convolution at the door by three of 3x3, which costs more;
# we have not measured what it brings. **Multi-grid** gives the blocks of the last stage unequal dilations, against gridding:

# %%
from course_lib.models.resnet import resnet

plain = resnet("resnet50", output_stride=8, width=16)
unequal = resnet("resnet50", output_stride=8, width=16, multi_grid=(1, 2, 4))
deep = resnet("resnet50", output_stride=8, width=16, deep_stem=True)
for net in (plain, unequal, deep):
    stem = [m for m in net.conv1.modules() if isinstance(m, nn.Conv2d)]
    print("stem", [conv.kernel_size[0] for conv in stem],
          "layer4", [block.conv2.dilation[0] for block in net.layer4])

# %% [markdown]
# Why 2 and not 4 in front? The first block has the stride, and its 3x3 keeps the dilation it finds. Multi-grid then multiplies
# by 1, 2 and 4: the old answers are lost, so it is for nets that will be trained.

# %% [markdown]
# ## 6. Where does a cell look?
#
# Cell $i$ of a map of stride $S$ stands for the pixels from $Si$ to $Si + S - 1$. Surely it looks at their middle? Ask the
# gradient, for cell 10 of a fresh net of stride 32:

# %%
net = resnet("resnet18", output_stride=32, width=4).eval()
noise = torch.randn(8, 3, 641, 641, requires_grad=True)
net(noise)[-1][:, :, 10, 10].sum().backward()
share = noise.grad.abs().sum(dim=(0, 1, 2))  # (641,)
centre = ((share * torch.arange(641)).sum() / share.sum()).item()
middle = 10 * 32 + 31 / 2  # where bilinear enlargement draws the cell
claim("centre of what it sees, from pixel 320", abs(centre - 320), at_most=6)
claim("from the middle of its square", abs(centre - middle), at_least=9)

# %% [markdown]
# It looks at pixel $Si$, its *corner*: a kernel with padding 1 and stride 2 stands over pixel 0, then 2, 4, and so on. The
# enlargement draws its answer $(S-1)/2$ pixels further: 15.5 at stride 32. Training can teach a net to
# look aside, but it must then spend weights on it.
#
# How much could that cost? Ask the truth: take the label at pixel $Si$ for every cell, and enlarge, as usual and aligned. To align,
# the picture's sides must be a multiple of the stride **plus one**, here 97 x 129: then the corner cells sit on the corner pixels,
# and `align_corners=True` puts each answer where it was taken. (A cell whose label is void has no say.)

# %%
from course_lib.metrics import ConfusionMatrix


def enlarged(truth, stride, align):
    cells = F.one_hot(truth[::stride, ::stride].clamp(max=12), 13)  # 12: void
    cells = cells[..., :12].permute(2, 0, 1)[None].float()  # (1, 12, h, w)
    size = (97, 129) if align else [stride * n for n in cells.shape[-2:]]
    soft = F.interpolate(cells, size, mode="bilinear", align_corners=align)
    return soft[0, :, :97, :129].argmax(0)


truths = [torch.as_tensor(Harbour("test", size=(97, 129))[i][1])
          for i in range(40)]
for stride in (32, 16, 8):
    ious = []
    for align in (False, True):
        matrix = ConfusionMatrix(12)
        for truth in truths:
            matrix.update(truth, enlarged(truth, stride, align))
        ious.append(float(matrix.scores().mean_iou))
    print(f"stride {stride:2}: usual {ious[0]:.2f}, aligned {ious[1]:.2f}")
    assert ious[1] > ious[0] + 0.07

# %%
maps = [truths[6], enlarged(truths[6], 8, False), enlarged(truths[6], 8, True)]
fig = pictures(maps, ["truth", "stride 8, as usual", "aligned"],
               classes=Harbour.classes)
show(fig, alt="The truth; the same, taken every 8 pixels and enlarged: usual, "
              "everything slid to the right and down; aligned, in place.",
     largest=50_000)

# %% [markdown]
# Look at the skyline: usual, everything has slid down and to the right by three and a half pixels. Aligned, it stays. (The fine
# grey lines run between void cells, where all scores are 0.) In the library the option is called `align`; the net then resizes its
# picture to the next multiple plus one.

# %%
aligned = build("resnet18_8s", num_classes=12, width=16, align=True).eval()
image = normalise(truths[0].expand(3, -1, -1).to(torch.uint8))[None]
with torch.no_grad():
    cells = aligned.classifier(aligned.backbone(image)[-1])  # (1, 12, 13, 17)
    logits = aligned(image)["out"]  # (1, 12, 97, 129)
torch.testing.assert_close(logits[..., ::8, ::8], cells, atol=1e-6, rtol=0)
print("pixel 8i has the score of cell i:", tuple(cells.shape[-2:]), "cells")

# %% [markdown]
# And trained nets? The card `table_aligned` has the same nets as section 5, by the same recipe, but aligned:

# %%
aligned_runs = {row["net"]: row["runs"]["equal steps"]
                for row in read_card("table_aligned")["rows"]}
for net in ("ResNet-18-32s", "ResNet-18-8s"):
    usual = scores(net, "equal steps")
    kept = aligned_runs[f"{net}, aligned"]
    ious = [run["mean_iou"] for run in kept.values()]
    print(f"{net}: usual {min(usual):.2f} ({len(usual)} seeds), "
          f"aligned {min(ious):.2f} ({len(ious)})")
    assert min(ious) > max(usual) + (0.03 if "32" in net else 0.003)

# %% [markdown]
# 0.04 at stride 32, and 0.01 at stride 8, where the truth itself had promised 0.08 and 0.13: training repairs
# much of the shift. And
# not all of the gain need be alignment. An aligned map has one row and one column more, 4 x 5 cells at stride 32 in place of 3 x 4, so
# that the last pixels lie between cells, too.

# %% [markdown]
# ## A common mistake
#
# Someone dilates the second convolution of a block and forgets the padding:

# %%
from torchvision.models.resnet import BasicBlock

block = BasicBlock(64, 64)
block.conv2.dilation = (2, 2)
x = torch.randn(1, 64, 12, 16)
try:
    block(x)
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# Read it from the back: along axis 3, the width, one map has 14 cells and the other 16. Two are missing, one at each end: the
# reach grew from 3 to 5 and the padding stayed 1. Padding = dilation, for a kernel of 3:

# %%
block.conv2.padding = (2, 2)
assert block(x).shape == x.shape

# %% [markdown]
# This mistake is a friendly one: it stops. The unfriendly one has the right shape and wrong numbers, like `torn` above. Exercise
# 06.2 is of that kind.

# %% [markdown]
# ## The failure curve
#
# The dial `thin` again, for the same ResNet-18 at three output strides. They were trained for the same number of steps on
# harbours of all widths, three seeds, and scored on 200 test pictures at each width.

# %%
from course_lib.show import failure_curve

curve = read_card("curve_harbour_thin_resnet")
for part in (curve, curve["others"]["lamp post"]):
    show(failure_curve({**curve, **part}), largest=25_000,
         data=[list(seeds.values()) for seeds in part["methods"].values()],
         alt=f"{part['score']} against the width of poles, at output strides "
             "32, 16 and 8: three rising lines, the finer map on top.")

# %%
def at(part, net, width):
    """Scores of all seeds."""
    i = curve["values"].index(width)
    return [ious[i] for ious in part["methods"][net].values()]


lamp, road = curve["others"]["lamp post"], curve["others"]["road"]
for part in (curve, lamp):
    assert max(max(at(part, net, 1)) for net in nets) < 0.05
    for width in (3, 4, 6, 8):
        assert min(at(part, nets[2], width)) > max(at(part, nets[1], width))
        assert min(at(part, nets[1], width)) > max(at(part, nets[0], width))
assert max(at(curve, nets[0], 8)) < 0.05 and min(at(curve, nets[2], 8)) > 0.3
assert max(at(lamp, nets[0], 8)) < 0.35 and min(at(lamp, nets[2], 8)) > 0.65
assert min(at(road, nets[2], 2)) - max(at(road, nets[0], 2)) > 0.25

# %% [markdown]
# One net, one recipe, and only the map is finer. Masts of 8 pixels go from under 0.05 to over 0.3, posts from under 0.35 to over
# 0.65; from 3 pixels on, the worst seed of a finer map beats the best of a coarser one. This is the test that
# chapter 02 asked for, and the answer is: it was the size of the cells. But see the left end, too. At 1
# pixel, an eighth of the finest cell, all three nets fail together: stride 8 moves the wall, it does not take it away.
#
# And the card holds a surprise: from 32s to 8s the *road* gains more than 0.25 as well (at masts of 2 pixels). Nothing is
# thin about a road; but on a picture of 96 pixels a map of 3 rows cannot draw its edge either.

# %% [markdown]
# ## On real data
#
# Does the surgery hold in a net that has learnt something real? Two ResNets that others trained on CIFAR-10, small photographs of ten
# classes, have an output stride of 4. We took all their strides out, asked for the old cells, and let the mean of the map
# decide, as in chapter 02, on 200 test pictures. The card was made by `python -m course_lib.training.cifar_dilation`:

# %%
card = read_card("dilation_cifar10_resnet")
card_table(card["rows"], {
    "model": "net", "largest_logit": "largest logit",
    "largest_difference": "largest difference at old cells",
    "accuracy_before": "accuracy", "accuracy_after": "dilated",
    "accuracy_without_dilation": "strides gone, not dilated"})
for row in card["rows"]:
    assert row["largest_difference"] < 1e-4
    assert abs(row["accuracy_after"] - row["accuracy_before"]) <= 0.015
    assert row["accuracy_without_dilation"] < 0.35
assert card["num_pictures"] == 200

# %% [markdown]
# At the old cells nothing has changed. With 16 times the cells the accuracy stays within 1.5 points, three of 200
# pictures: these nets were trained on pictures moved about at random, so they have an answer at every place. Without dilation
# more than half of the right answers are lost, and here nobody trained afterwards.
#
# And does a finer map pay on streets? Two nets of CamVid's table: 24 channels wide, trained for 30 epochs on crops of 240 x 180
# pixels, scored on the 233 test pictures of 480 x 360, void ignored. The last columns are IoUs of poles, sorted by width.

# %%
camvid = {row["net"]: row["runs"]["30 epochs"]["0"]
          for row in read_card("table_camvid")["rows"] if "runs" in row}
pair = ("ResNet-18-32s", "ResNet-18-8s")
card_table([{"net": net, **camvid[net]} for net in pair],
           {"net": "net", "mean_iou": "mean IoU",
            "boundary_iou": "boundary IoU",
            "iou_by_width.to 2 px": "poles to 2 px",
            "iou_by_width.to 4 px": "to 4 px",
            "iou_by_width.to 8 px": "to 8 px"})
old, new = (camvid[net] for net in pair)
assert 0.07 < new["mean_iou"] - old["mean_iou"] < 0.11
assert max(old["iou_by_width"].values()) < 0.01
assert 0.02 < new["iou_by_width"]["to 2 px"] < 0.05
assert 0.12 < new["iou_by_width"]["to 8 px"] < 0.18

# %% [markdown]
# On CamVid the finer map gains 0.09 in the mean, and poles are found at all: an IoU of 0.04 up to 2 pixels, of 0.15 up to
# 8. The order is that of our curve, the height is not: real poles are grey before grey, and there are 367 pictures to
# learn from. One seed each; 30 epochs are few.
#
# Papers are less clear than our harbour. One of the projects behind this course (see
# [our notes](../literature/notes/06_dilated_resnets.md)) reports on Cityscapes 61.0 mean IoU for ResNet-18-32s and **60.0** for
# ResNet-18-8s: the finer map is *behind*. One run each, so a point may be chance. But pictures there are 2,048 pixels wide; a
# cell of 32 pixels is small beside a car, and the mean counts poles as one class of 19. What a finer map
# brings depends on the size of things in cells. Measure it on your pictures before you pay five times the operations.

# %% [markdown]
# If you have the CIFAR nets and pictures, the next cell measures the first row of the table again; else it does nothing.

# %%
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "cifar10_resnet"
if folder and folder.is_dir():
    from course_lib.training.cifar_dilation import measure

    again = measure(20, folder)
    assert again["largest_difference"] < 1e-4
    for key in ("accuracy_before", "accuracy_after"):
        assert abs(again[key] - card["rows"][0][key]) <= 0.02

# %% [markdown]
# ## Exercises
#
# ### Exercise 06.1: are there holes?
#
# `has_holes(dilations)` says whether a stack of layers of kernel 3 leaves out a number between the first and the last one it
# sees. `[2, 2, 2]` has holes, `[1, 2, 5]` has none.
#
# <details><summary>Hint 1</summary>
#
# `offsets` of section 2 gives what is seen. How many numbers lie between its first and its last?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The last offset is `sum(dilations)`, so a row without holes has `2 * sum(dilations) + 1` of them.
#
# </details>

# %%
def has_holes(dilations):
    raise NotImplementedError

# %%
check("06.1", has_holes)

# %% [markdown]
# ### Exercise 06.2: find the mistake
#
# Several libraries once dilated a stage like this. Shapes are right, training runs, and the old cells hold other numbers. Find out
# why, and mend it: the stage has stride 2, and the stages before left a dilation of `before`, as in section 4.
#
# ```python
# def dilate_stage(stage, before):
#     for layer in stage.modules():
#         if isinstance(layer, nn.Conv2d):
#             layer.stride = (1, 1)
#             if layer.kernel_size == (3, 3):
#                 layer.dilation = layer.padding = (2 * before, 2 * before)
# ```
#
# <details><summary>Hint 1</summary>
#
# On the row of section 3: is `a` dilated?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Look at the stride *before* you overwrite it.
#
# </details>

# %%
def dilate_stage(stage, before):
    raise NotImplementedError

# %%
check("06.2", dilate_stage)

# %% [markdown]
# ### Exercise 06.3: plan a surgery
#
# `strides` are those of a net's parts, in order: `[2, 2, 1, 2, 2, 2]` for the first convolution, the pooling and the four stages
# of a ResNet. Give, for a wanted output stride, one pair for each
# part: the stride it keeps, and the dilation of what follows it. For an output stride of 8 it is
# `[(2, 1), (2, 1), (1, 1), (2, 1), (1, 2), (1, 4)]`.
#
# <details><summary>Hint 1</summary>
#
# Go through the parts with two numbers in hand: the stride so far, and the dilation so far. Both begin at 1.
#
# </details>
# <details><summary>Hint 2</summary>
#
# If the stride so far times the part's own is not more than wanted, the part keeps its stride. If it is, the dilation takes it over.
#
# </details>

# %%
def plan(strides, output_stride):
    raise NotImplementedError

# %%
check("06.3", plan)

# %% [markdown]
# Stuck? The [solutions](solutions/06_dilated_resnets.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. A ResNet-50 at output stride 32 gives a map of 15 x 20 cells. How large is the map at output stride 8, and how many weights
#    came in?
# 2. Four layers of kernel 3 with dilations 1, 2, 4, 8: how far do they reach, and are there holes?
# 3. A colleague's dilated net has the right shapes, and its scores after loading the pretrained weights are those of chance. What do you
#    compare first?
#
# ## What you learned
#
# - You dilated a convolution by hand: it reaches over $d(k-1)+1$ pixels, and a padding of $d \lfloor k/2 \rfloor$ keeps the size of the map.
# - You saw the gridding of dilations 2, 2, 2, and chose 1, 2, 5, which leave no holes.
# - You turned the strides of a ResNet into dilation: the layer with the stride keeps its kernel, those behind are dilated; and
#   you proved that the old answers are still there.
# - You can say what a finer map costs: no weights, up to five times the operations, less than twice the memory; and what it brings.
# - You found the pixel at which a cell looks, $Si$, and aligned the map with the picture by a size of a multiple plus one.
#
# New in your hands: `resnet18_8s` and its kin, `resnet`, `stride_to_dilation`, `align`, `multi_grid`.
#
# The dial of this chapter in one picture, and [turning](figures/06.webp):
#
# ![The stride of one net's map goes from 32 to 8 pixels: its twelve old answers stay where they were, and 180 new ones come between them. Nets trained at strides 32, 16 and 8 have a mean IoU of 0.36, 0.51 and 0.60 over 200 pictures.](figures/06.png)
#
# ## Read more
#
# - Yu and Koltun, [Multi-Scale Context Aggregation by Dilated Convolutions](https://arxiv.org/abs/1511.07122), ICLR 2016: dilation
#   against pooling; [our notes](../literature/notes/06_dilated_resnets.md) say what our curve adds.
# - Yu, Koltun and Funkhouser, [Dilated Residual Networks](https://doi.org/10.1109/CVPR.2017.75), CVPR 2017: this chapter's nets,
#   and how to be rid of gridding.
# - Chen et al., [DeepLab](https://doi.org/10.1109/TPAMI.2017.2699184), TPAMI 2018: section 3.1 is our surgery on a row.
# - Wang et al., [Understanding Convolution for Semantic Segmentation](https://doi.org/10.1109/WACV.2018.00163), WACV 2018: which
#   dilations leave holes.
