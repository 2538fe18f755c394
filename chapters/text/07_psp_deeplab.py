# %% [markdown]
# # 07. Context: the same hull is a boat on water and a car on a road
#
# Some things cannot be told from their own pixels. This chapter builds the heads that let a net look around, pyramid pooling
# and the DeepLab family, weight for weight, and then measures whether they keep what their papers promise.
#
# ## What you will be able to do
#
# - test whether a trained net uses the surroundings of a thing, by moving the thing
# - compute the bins of adaptive pooling by hand, and build pyramid pooling from them
# - compute the effective kernel of a dilated convolution, and say from which rate on it is a 1x1 convolution
# - build DeepLabV3 and load torchvision's weights, and count what the separable convolutions of V3+ save
# - read an ablation: which part helps, on which pictures, and whether the difference is larger than the seeds
#
# ## Before you start
#
# You need chapters 00 to 02 and 06. About 75 minutes; the cells run in about 30 seconds on a CPU.

# %%
# setup

# %% [markdown]
# ## The question
#
# The dial `context` of the harbour is the share of boats and cars that are drawn as one and the same hull. At 0 a boat looks like a
# boat. At 1 nothing but the surroundings tells.
#
# **Try it.** Turn it, and look for the cars.

# %%
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.show import explore, pictures, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour")  # or "real"
BOAT, CAR = (Harbour.classes.index(name) for name in ("boat", "car"))


def harbour_at(context):
    fig = pictures([Harbour("test", context=context)[3][0]])
    fig.set_size_inches(fig.get_size_inches() * 0.75)
    return fig


explore(harbour_at, context=[0.0, 0.5, 1.0], largest=60_000,
        alt="A harbour with context 0, 0.5 and 1. At 1, boats on the water "
            "and cars on the road have one shape.")

# %% [markdown]
# Now take the surroundings away. Six hulls from one harbour; three are boats, three are cars. Which?

# %%
scene = Harbour("test", context=1).scene(11)
HULLS = [19, 7, 20, 11, 18, 8]  # numbers of things in scene.instance_map


def cut_out(thing):
    mask = scene.instance_map == thing  # (96, 128)
    y, x = mask.nonzero()
    alone = scene.image.copy()
    alone[~mask] = 225
    return alone[y.max() - 12:y.max() + 2, x.min() - 2:x.min() + 28]


fig = pictures([cut_out(thing) for thing in HULLS], list("abcdef"), columns=6)
show(fig, alt="Six hulls of one shape on grey, in red, green, blue and white.",
     largest=20_000)

# %%
labels = dict(zip(scene.ids.tolist(), scene.labels.tolist(), strict=True))
print([Harbour.classes.names[labels[thing]] for thing in HULLS])

# %% [markdown]
# Nobody can know: size and colour come from one hat. A net that tells them apart must look around. We ask two nets about one hull, *moved*: its
# pixels are lifted from the water and laid down somewhere else. The first net has two 3x3 convolutions, and a pixel sees 5 x 5
# pixels. The second is the ResNet-18-8s of chapter 06.

# %%
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net


def trained(name):
    return load_net(weights_dir() / f"{name}_harbour.safetensors")[0]


near, deep = trained("near_sighted_none"), trained("resnet18_8s")


def moved(row, column=8, thing=7):
    """The picture with a copy of a hull on it, and where; row: its keel."""
    y, x = (scene.instance_map == thing).nonzero()
    to_y, to_x = y - y.max() + row, x - x.min() + column
    image = scene.image.copy()
    image[to_y, to_x] = scene.image[y, x]
    return torch.from_numpy(image).permute(2, 0, 1), (to_y, to_x)


@torch.no_grad()
def says(net, row):
    """Mean probabilities of boat and of car in the moved hull's pixels."""
    image, (y, x) = moved(row)
    logits = net(normalise(image)[None])["out"][0]  # (12, 96, 128)
    p = logits.softmax(dim=0)[:, y, x].mean(dim=1)  # (12,)
    return p[BOAT].item(), p[CAR].item()

# %% [markdown]
# **Try it.** Move the hull from the far water down to the road. Will the words change?

# %%
def moved_hull(row):
    fig = pictures([moved(row)[0]])
    lines = [f"{name}: boat {boat:.0%}, car {car:.0%}"
             for name, (boat, car) in [("5 x 5 px", says(near, row)),
                                       ("ResNet-18", says(deep, row))]]
    fig.axes[0].set_title("\n".join(lines))
    fig.set_size_inches(fig.get_size_inches() * 0.75)
    return fig


explore(moved_hull, row=[46, 54, 70, 78, 93], largest=60_000,
        alt="The same red hull on the water, the promenade and the road, "
            "with the probabilities of boat and car from two nets.")

# %%
for row, here in [(46, BOAT), (93, CAR)]:
    near_says, deep_says = says(near, row), says(deep, row)
    claim("5 x 5 px: difference of boat and car",
          abs(near_says[0] - near_says[1]), at_most=0.15)
    claim(f"ResNet-18: {Harbour.classes.names[here]} in row {row}",
          deep_says[here - BOAT], at_least=0.5)
claim("ResNet-18: boat or car in row 70", sum(says(deep, 70)), at_most=0.3)

# %% [markdown]
# The near-sighted net is torn: about as much boat as car, wherever the hull lies. It knows *hull* and cannot know more. The deep net says boat on the
# water and car on the road, of the same pixels. On the promenade it says neither; it has never seen a hull there. So a net can use the
# surroundings, if it gets to see them. This test needs no training, no labels but the mask of one thing, and it works for any net.
#
# How does a net get to see them, if not by being deep? Sections 1 to 6 build the heads that promise it.

# %% [markdown]
# ## 1. Averages over parts of a picture
#
# The simplest message about the surroundings is an average. **Global average pooling** gives every cell one: the mean of the whole
# map. A **pyramid** adds means over halves, thirds and sixths. The layer that makes them is *adaptive* pooling: you name the number
# of bins, and it finds where they begin and end.
#
# On paper: a row of 7 cells in 3 bins. Seven thirds is no whole number. Bin $i$ begins at $\lfloor 7i/3 \rfloor$ and ends
# before $\lceil 7(i+1)/3 \rceil$.

# %%
row = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])


def bins(n, count):
    # -(-a // b) rounds up where a // b rounds down
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


for start, end in bins(7, 3):
    print(f"cells {start} to {end - 1}, mean {row[start:end].mean():.0f}")
means = torch.stack([row[start:end].mean() for start, end in bins(7, 3)])
pooled = F.adaptive_avg_pool1d(row.view(1, 1, 7), 3)  # (1, 1, 3)
assert torch.equal(pooled.flatten(), means)

# %% [markdown]
# The bins **overlap**: cell 2 counts in the first and in the second, cell 4 in the second and the third. Nothing is dropped and nothing
# is padded, so any size will do. It even works with more bins than cells; then a cell fills several bins:

# %%
print("4 cells in 6 bins:", bins(4, 6))

# %% [markdown]
# In two dimensions the same happens on both axes. Here are the levels of PSPNet, 1, 2, 3 and 6 bins, on the picture itself. A net
# pools its features in the place of colours.

# %%
picture, _ = world.dataset("test", size=(96, 128))[11]
levels = [F.adaptive_avg_pool2d(picture / 255, b) for b in (1, 2, 3, 6)]
enlarged = [F.interpolate(level[None], (96, 128), mode="nearest")[0]
            for level in levels]
fig = pictures([picture, *enlarged],
               ["picture", "1 bin", "2 x 2", "3 x 3", "6 x 6"], columns=5)
show(fig, alt="A harbour, and its averages over 1, 4, 9 and 36 bins. At 3 x 3 "
              "the water has a row of its own, at 6 x 6 lawn and road too.",
     largest=50_000)

# %% [markdown]
# One bin says "a greyish picture". At 3 x 3 the water has a row of its own, and the row below mixes lawn and road; at 6 x 6 these are apart too.
# So the two fine levels hold what a hull needs to know: water or road.

# %% [markdown]
# ## 2. Pyramid pooling
#
# **PSPNet** (Zhao et al., 2017) hands these averages to every cell. Each level goes through a 1x1 convolution that narrows
# $C$ channels to $C/4$, is enlarged to the size of the map and laid beside it. Four levels of $C/4$ double the channels.

# %%
class Pyramid(nn.Module):
    def __init__(self, channels, levels=(1, 2, 3, 6)):
        super().__init__()
        self.levels = levels
        self.narrow = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels // 4, 1, bias=False),
                          nn.BatchNorm2d(channels // 4), nn.ReLU())
            for _ in levels)

    def forward(self, x):  # (B, C, h, w)
        parts = [x]
        for bins, narrow in zip(self.levels, self.narrow, strict=True):
            level = narrow(F.adaptive_avg_pool2d(x, bins))  # (B, C/4, b, b)
            parts.append(F.interpolate(level, x.shape[-2:], mode="bilinear"))
        return torch.cat(parts, dim=1)  # (B, 2C, h, w)

# %%
from course_lib.models.psp import PyramidPooling

torch.manual_seed(0)
ours, library = Pyramid(32), PyramidPooling(32)
library.load_state_dict(dict(zip(library.state_dict(),
                                 ours.state_dict().values(), strict=True)))
features = torch.randn(2, 32, 13, 17)
assert torch.equal(ours(features), library(features))
print(tuple(features.shape), "->", tuple(library(features).shape))

# %% [markdown]
# Then a 3x3 convolution to $C/4$, batch norm, ReLU, dropout and the score. That is all of PSPNet behind its backbone. Its weights on
# a ResNet-18 ($C = 512$, 21 classes), first by hand:

# %%
from course_lib.models import build

branch = 512 * 128 + 2 * 128  # 1x1 convolution, batch norm
fuse = 9 * 1024 * 128 + 2 * 128  # 3x3 convolution, batch norm
score = 128 * 21 + 21
with torch.device("meta"):  # shapes without numbers
    psp = build("psp_resnet18_8s", num_classes=21)
count = sum(p.numel() for p in psp.classifier.parameters())
print(f"4 x {branch:,} + {fuse:,} + {score:,} = {count:,}")
assert count == 4 * branch + fuse + score

# %% [markdown]
# Behind the pyramid every cell knows something about the whole picture. Is that new? The receptive field of ResNet-18, by the arithmetic of chapter
# 02:

# %%
size, stride = 1, 1
stages = 4 * [(3, 1)] + 3 * ([(3, 2)] + 3 * [(3, 1)])
for kernel, step in [(7, 2), (3, 2)] + stages:
    size, stride = size + (kernel - 1) * stride, stride * step
print(size, "pixels")

# %% [markdown]
# More than three times the width of our pictures. But chapter 02 also showed that far pixels have a faint vote: the *effective* field is smaller. That is the
# paper's argument for the pyramid. Keep it in mind until the failure curve.
#
# At once we can ask the net of 5 x 5 pixels again, this time trained with a pyramid between its convolutions and its scores:

# %%
with_pyramid = trained("near_sighted_ppm")
boat, car = says(with_pyramid, 46)
claim("on the water, boat minus car", boat - car, at_least=0.6)
boat, car = says(with_pyramid, 93)
claim("on the road, car minus boat", car - boat, at_least=0.6)

# %% [markdown]
# Two convolutions as before, the same hull, and no doubt any more: the averages around it say water, or road.
#
# ## 3. One kernel at several distances
#
# The other way to look around is to spread a kernel. A 3x3 kernel with **rate** (dilation) $r$ takes cells $r$ apart. Its **effective
# kernel** is $3 + 2(r - 1) = 2r + 1$ cells wide, with nine weights as before. One row, rate 2:

# %%
row = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
ones = torch.ones(1, 1, 3)
F.conv1d(row.view(1, 1, 7), ones, padding=2, dilation=2).flatten()

# %% [markdown]
# The middle says 2 + 8 + 32 = 42: cells 1, 3 and 5. The first says 1 + 4: its left tap fell off the row, onto the zeros of the
# padding. **ASPP**, atrous spatial pyramid pooling, sets several rates side by side: 6, 12 and 18 at output stride 16, twice that at 8,
# with a 1x1 convolution and global average pooling.
#
# Large rates have a trap, and DeepLabV3 (Chen et al., 2017) found it on maps of 65 x 65 cells. The larger the rate, the more
# taps fall off. Count them: in a row of cells, a tap to one side is on the map for
# $65 - r$ of the 65 places. (Exercise 07.2 goes on from there.)

# %%
def valid_taps(height, width, rate):
    """How many of the 9 taps lie on the map, for each cell."""
    return F.conv2d(torch.ones(1, 1, height, width), torch.ones(1, 1, 3, 3),
                    padding=rate, dilation=rate)[0, 0]


for rate in (6, 12, 24, 36, 64, 65):
    taps = valid_taps(65, 65, rate)
    one_row = valid_taps(1, 65, rate)  # middle, left and right
    assert one_row.sum() == 65 + 2 * (65 - rate)
    print(f"rate {rate:2}: {taps.mean():.2f} of 9 taps on the map, "
          f"all 9 for {(taps == 9).float().mean():.0%} of the cells")
at_33 = valid_taps(65, 65, 33)
assert not (at_33 == 9).any() and (at_33 == 4).float().mean() > 0.95

# %%
def share_of_cells(size=65):
    fig = Figure(figsize=(7, 2.9), layout="constrained")
    ax, rates = fig.subplots(), list(range(1, 73))
    counts = [valid_taps(size, size, rate) for rate in rates]
    for number in (9, 6, 4, 2, 1):
        ax.plot(rates, [(c == number).float().mean() for c in counts],
                marker="", label=f"{number} taps" if number > 1 else "1 tap")
    ax.set(xlabel="rate", title="share of the 65 x 65 cells with ...",
           xticks=[1, 12, 24, 36, 48, 60, 65])
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


show(share_of_cells(), alt="Share of cells with 9, 6, 4, 2 and 1 taps on the "
     "map against the rate: from 65 on all cells have one tap.",
     largest=30_000, data=valid_taps(65, 65, 36))

# %% [markdown]
# Nine taps are soon a minority; at rate 33 no cell has them any more, and nearly all have four. From 65 on every cell has **one** tap left, the middle
# one. The 3x3 convolution has quietly become a 1x1 convolution with eight dead weights. Not nearly: exactly.

# %%
conv = nn.Conv2d(4, 4, 3, padding=65, dilation=65, bias=False)
x = torch.randn(1, 4, 65, 65)
middle = conv.weight[:, :, 1:2, 1:2]  # (4, 4, 1, 1)
torch.testing.assert_close(conv(x), F.conv2d(x, middle), atol=1e-5, rtol=0)

# %% [markdown]
# The paper's answer was the global average beside the dilated branches. Yours has one more part: **choose rates for your map.** A picture
# of the harbour is 96 x 128 pixels, and at stride 8 its map has 12 x 16 cells.
#
# **Try it.** The figure shows the taps of every cell of that map. At which rate are most cells down to one or two?

# %%
def taps_of_the_harbour(rate):
    fig = pictures([valid_taps(12, 16, rate)])
    ax = fig.axes[0]
    ax.images[0].set_clim(1, 9)
    fig.colorbar(ax.images[0], ax=ax, ticks=[1, 2, 4, 6, 9])
    ax.set_title(f"{valid_taps(12, 16, rate).mean():.1f} of 9 taps")
    fig.set_size_inches(fig.get_size_inches() * 0.55)
    return fig


explore(taps_of_the_harbour, rate=[1, 6, 9, 10, 12], largest=30_000,
        alt="Taps on the map for rates 1, 9 and 12: at 1 nearly all cells "
            "have nine, at 9 one, two or four, at 12 one or two.")
few = {rate: (valid_taps(12, 16, rate) <= 2).float().mean().item()
       for rate in range(1, 13)}
assert all((share > 0.5) == (rate >= 9) for rate, share in few.items())
for rate in (12, 24, 36):
    print(f"rate {rate}: {valid_taps(12, 16, rate).mean():.2f} of 9 taps")

# %% [markdown]
# From rate 9 on most cells are down to one or two. With the paper's rates for stride 8, two of the three dilated branches are 1x1 convolutions on
# a harbour, and the third nearly is. Where we train on the harbour we take 3, 6 and 9 at stride 8, and 1, 2 and 4 at stride 16.
#
# ## 4. DeepLabV3, weight for weight
#
# Five branches, laid side by side and fused by a 1x1 convolution; then a 3x3 convolution and the score. The branches are a 1x1 convolution, three
# dilated ones and image pooling. The last is one level of the pyramid, average, narrow and enlarge, and the library calls it `PooledBranch`:

# %%
from course_lib.models.blocks import conv_unit  # convolution, norm, ReLU
from course_lib.models.deeplab import ASPP
from course_lib.models.psp import PooledBranch


class OurASPP(nn.Module):
    def __init__(self, channels, rates, out=256):
        super().__init__()
        dilated = [conv_unit(channels, out, dilation=rate) for rate in rates]
        self.convs = nn.ModuleList([conv_unit(channels, out, size=1), *dilated,
                                    PooledBranch(channels, out, bins=1)])
        fused = conv_unit(out * len(self.convs), out, size=1)
        self.project = nn.Sequential(*fused, nn.Dropout(0.5))

    def forward(self, x):
        return self.project(torch.cat([conv(x) for conv in self.convs], 1))


ours, library = OurASPP(32, (3, 6, 9), 16), ASPP(32, (3, 6, 9), 16)
library.load_state_dict(ours.state_dict())
assert torch.equal(ours.eval()(features), library.eval()(features))

# %% [markdown]
# The names of the layers are torchvision's on purpose. So its `deeplabv3_resnet50`, rates 12, 24 and 36, can hand its 42 million weights to ours.
# They are random here; we let its batch norm see two pictures, so that it has statistics of its own. The picture is a strip of 304 pixels, 38
# cells at stride 8. On a shorter map rate 36 would be a 1x1 convolution, and we could not tell whether ours has the same rates.

# %%
from torchvision.models.segmentation import deeplabv3_resnet50

torch.manual_seed(0)
theirs = deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True)
with torch.device("meta"):
    deeplab = build("deeplabv3_resnet50_8s", num_classes=21, aux=True)
strip = F.interpolate(normalise(picture)[None], (16, 304))  # (1, 3, 16, 304)
with torch.no_grad():
    theirs.train()(torch.cat([strip, strip.flip(-1)]))
    deeplab.load_state_dict(theirs.state_dict(), assign=True)
    expected, got = theirs.eval()(strip)["out"], deeplab.eval()(strip)["out"]
torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
weights = sum(p.numel() for p in deeplab.parameters())
print(f"{len(deeplab.state_dict())} tensors, {weights:,} weights, equal")

# %% [markdown]
# Would the strip notice a wrong rate? Try it with 35 for 36:

# %%
widest = deeplab.classifier[0].convs[3][0]  # the convolution of rate 36
widest.dilation = widest.padding = (35, 35)
with torch.no_grad():
    wrong = (deeplab(strip)["out"] - expected).abs().max()
widest.dilation = widest.padding = (36, 36)
print("one rate wrong: the answers",
      "differ" if wrong > 1e-4 else "are the same")
assert wrong > 1e-4

# %% [markdown]
# It does. A test on a crop of 65 x 65 pixels would not: on its 9 x 9 cells all three rates are too large.
#
# `aux=True` adds a small second head, on the third stage of the backbone: **deep supervision**. In training it must name the pixels as well, and
# its loss counts 0.4:
#
# $$L = L_{\text{out}} + 0.4\, L_{\text{aux}}$$
#
# A gradient that enters half-way down reaches early layers undiluted. In prediction the second head is thrown away. Watch both
# losses of a PSPNet with a quarter of the channels:

# %%
torch.manual_seed(0)
train_set = Harbour("train", count=64, context=1)
pairs = [train_set[i] for i in range(64)]
inputs = torch.stack([normalise(image) for image, _ in pairs])
labels = torch.stack([torch.as_tensor(mask) for _, mask in pairs])
psp = build("psp_resnet18_8s", num_classes=12, width=16).train()
optimiser = torch.optim.AdamW(psp.parameters(), lr=3e-3)
losses = {"out": [], "aux": []}
for _step in range(60):
    batch = torch.randint(64, (8,))
    both = {name: F.cross_entropy(logits, labels[batch], ignore_index=255)
            for name, logits in psp(inputs[batch]).items()}
    optimiser.zero_grad()
    (both["out"] + 0.4 * both["aux"]).backward()
    optimiser.step()
    for name, loss in both.items():
        losses[name].append(loss.item())

# %%
fig = Figure(figsize=(4.8, 2), layout="constrained")
axes = fig.subplots()
for name, line in losses.items():
    axes.plot(line, marker="", label=name)
axes.set(xlabel="step", title="cross-entropy of a pixel", ylim=(0, None))
axes.legend()
show(fig, alt="Both losses fall; the second head's stays a little higher.",
     largest=20_000)
claim("last losses over first, out",
      sum(losses["out"][-10:]) / 10 / losses["out"][0], at_most=0.6)
claim("last losses over first, aux",
      sum(losses["aux"][-10:]) / 10 / losses["aux"][0], at_most=0.6)
claim("the same of the last losses, aux minus out",
      sum(losses["aux"][-10:]) / 10 - sum(losses["out"][-10:]) / 10,
      at_least=0.05)
assert set(psp.eval()(inputs[:1])) == {"out"}

# %% [markdown]
# Both fall; the second head sees less of the net and stays behind. Whether it helps the first is measured in *The failure curve*.
#
# ## 5. V3+: cheaper convolutions, and a second look at the fine map
#
# A 3x3 convolution mixes places and channels at once: $9 \cdot \text{in} \cdot \text{out}$ weights. A **separable** convolution takes two
# steps: a *depthwise* 3x3 in each channel alone, then a *pointwise* 1x1 over the channels: $9 \cdot \text{in} + \text{in} \cdot
# \text{out}$. DeepLabV3+ (Chen et al., 2018) makes all 3x3 convolutions of its head so. Its decoder has one from 304 channels to 256:

# %%
full, cheap = 9 * 304 * 256, 9 * 304 + 304 * 256
print(f"{full:,} weights or {cheap:,}: {full / cheap:.1f} times fewer")
cells = 128 * 128  # stride 4 of 512 x 512 px
print(f"multiplications: {full * cells / 1e9:.1f} or "
      f"{cheap * cells / 1e9:.1f} thousand million")
assert round(full / cheap, 1) == 8.7

# %% [markdown]
# What is given up? The two steps equal one full convolution whose kernel for each pair of channels is the *same* 3x3 pattern of the
# input channel, only scaled:

# %%
depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
pointwise = nn.Conv2d(6, 4, 1, bias=False)
kernel = pointwise.weight * depthwise.weight.transpose(0, 1)  # (4, 6, 3, 3)
x = torch.randn(1, 6, 9, 9)
torch.testing.assert_close(pointwise(depthwise(x)),
                           F.conv2d(x, kernel, padding=1))
print(54, "+", 24, "weights stand in for", kernel.numel())

# %% [markdown]
# (In the net, batch norm and ReLU stand between the two steps, so it is not quite that.)
#
# The second idea of V3+ is a **decoder**. ASPP works at stride 16, which is cheap. Its answer is enlarged to stride 4 and laid beside the map
# of the first stage, narrowed to 48 channels so that it does not drown the rest. Two separable convolutions mix them:

# %%
with torch.device("meta"):
    plus = build("deeplabv3plus_resnet18_16s", num_classes=21).eval()
    image = torch.empty(1, 3, 512, 512)
    fine, *_, coarse = plus.backbone(image)
    far, narrowed = plus.aspp(coarse), plus.narrow(fine)
for name, x in [("first stage", fine), ("narrowed", narrowed),
                ("last stage", coarse), ("ASPP", far)]:
    print(f"{name:12}{tuple(x.shape)}")
assert plus.decoder[0][0].in_channels == 256 + 48 == 304

# %% [markdown]
# What does all this cost at 512 x 512 pixels? Shapes alone tell:

# %%
from torch.utils.flop_counter import FlopCounterMode

NETS = ["resnet18_8s", "psp_resnet18_8s", "deeplabv3_resnet18_8s",
        "deeplabv3plus_resnet18_16s", "denseaspp_resnet18_8s",
        "lraspp_mobilenetv3"]
cost = {}
for name in NETS:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        net = build(name, num_classes=21).eval()
        net(torch.empty(1, 3, 512, 512))
    million = sum(p.numel() for p in net.parameters()) / 1e6
    giga = counter.get_total_flops() / 2e9  # multiplications and additions
    cost[name] = million, giga
    print(f"{name:28}{million:6.1f} million weights{giga:7.1f} G")
v3plus, v3 = (cost[name][1] for name in (NETS[3], NETS[2]))
assert v3plus < v3 / 2 and v3 == max(giga for _, giga in cost.values())
assert round(42.0 / cost["lraspp_mobilenetv3"][0]) == 13

# %% [markdown]
# G is a thousand million multiplications. ASPP at stride 8 is the most expensive head of all; V3+ has it at stride 16, where the map has a quarter of the cells,
# and needs less than half of the work of V3. The last two lines are the next section's.
#
# ## 6. In a row, or as a gate
#
# Two relatives show how far the idea stretches. A kernel with rate 24 looks at 9 cells of a square of 49 x 49 and at none of the
# 2,392 between. **DenseASPP** (Yang et al., 2018) sets rates 3, 6, 12, 18 and 24 in a *row*; each branch takes the map and the
# answers of all branches before it. How many cells, and how densely? Count the paths to the middle cell:

# %%
def paths(rates, in_a_row, size=129):
    start = torch.zeros(1, 1, size, size)
    start[..., size // 2, size // 2] = 1
    kernel, sums = torch.ones(1, 1, 3, 3), start
    for rate in rates:
        seen = sums if in_a_row else start
        sums = sums + F.conv2d(seen, kernel, padding=rate, dilation=rate)
    return sums[0, 0]


side_by_side = paths((6, 12, 18, 24), in_a_row=False)
dense = paths((3, 6, 12, 18, 24), in_a_row=True)
for name, seen in [("side by side", side_by_side), ("in a row", dense)]:
    y = seen.any(dim=1).nonzero()
    print(f"{name:13}{int((seen > 0).sum()):6,} cells, over a square of "
          f"{int(y.max() - y.min()) + 1}")
y, x = dense.nonzero(as_tuple=True)
assert not ((y - 64) % 3).any() and not ((x - 64) % 3).any()
assert (side_by_side > 0).sum() == 33 and len(y) == 43 ** 2 == 1849
fig = pictures([(side_by_side + 1).log(), (dense + 1).log()],
               ["ASPP 6, 12, 18, 24", "DenseASPP 3, 6, 12, 18, 24"])
fig.set_size_inches(fig.get_size_inches() * 0.6)
show(fig, alt="Left a few dots on rays; right a grid of dots that fills the "
              "frame, brightest in the middle.", largest=40_000,
     data=[side_by_side, dense])

# %% [markdown]
# 33 cells against 1,849. In a row, each rate adds twice itself to the width: 1 + 2 · (3 + 6 + 12 + 18 + 24) = 127. But look closely: a dot stands in every
# *third* cell only. All the paper's rates are multiples of 3, so this is the gridding of chapter 06 again, and it is left to the backbone's
# own convolutions to have mixed what lies between.
#
# **LR-ASPP** (Howard et al., 2019) goes the other way: what is the least that still carries context? One global average, one 1x1
# convolution, a sigmoid: a number between 0 and 1 for each channel, by which the whole channel is multiplied. A **gate**. Two channels:

# %%
channels = torch.tensor([[[1.0, 3.0], [5.0, 7.0]],
                         [[2.0, 2.0], [2.0, 2.0]]])  # (2, 2, 2)
weight = torch.tensor([[0.0, 2.0], [-1.0, 0.0]])  # (2 gates, 2 averages)
gates = (weight @ channels.mean(dim=(1, 2))).sigmoid()  # averages 4 and 2
print([round(gate, 2) for gate in gates.tolist()])

# %% [markdown]
# The averages are 4 and 2. The second says "open the first channel": sigmoid(2 · 2) = 0.98. The first says "close the second": sigmoid(-4) = 0.02. The
# net on MobileNetV3 has 3.2 million weights, a thirteenth of DeepLabV3 on ResNet-50, and torchvision's weights fit it as well.

# %% [markdown]
# ## A common mistake
#
# A training runs for an hour and stops with an error. 1,001 pictures in batches of 8 leave **one** picture for the last batch. Everywhere else in
# the net batch norm has thousands of cells to take mean and variance of. Behind global pooling it has one number a channel for each picture:

# %%
norm = nn.BatchNorm2d(3)  # in training mode
pooled = torch.tensor([[1.0, 20.0, -3.0],
                       [2.0, 50.0, -3.5]]).view(2, 3, 1, 1)  # 2 pictures
try:
    norm(pooled[:1])
except ValueError as error:
    print(str(error).split(",")[0])

# %% [markdown]
# One number has no variance. (Our heads refuse such a batch in a sentence that says what to do; a loader with `drop_last=True` never makes one.)
# And two pictures? They are legal:

# %%
norm(pooled).detach().flatten(1).round(decimals=1)

# %% [markdown]
# The error is gone, and so is nearly all information. Whatever the averages were, of two pictures one becomes +1 and the other -1, in every channel. Image
# pooling needs real batches: DeepLabV3 was trained at stride 16 so that 16 pictures fit, for the sake of batch norm.
#
# ## The failure curve
#
# Now the dial. The net with 5 x 5 pixels was trained four times: bare, with pyramid pooling, with ASPP, and with both, three
# seeds each, on harbours of every `context`. (It has no stride: its map is as large as the picture, and rates 6, 12 and 18 fit.) The
# score is the share of boat and car pixels that get the other's name.

# %%
from course_lib.show import card_table, failure_curve
from course_lib.training.cards import read_card

curve = read_card("curve_harbour_context_near")
show(failure_curve(curve), alt="Share of boats and cars mixed up against "
     "context, for the bare net and with PPM, ASPP and both.", largest=30_000)

# %%
mixed = {name: torch.tensor(list(seeds.values()))  # (3 seeds, 5 values)
         for name, seeds in curve["methods"].items()}
bare = mixed.pop("5 x 5 pixels")
assert 0.25 < bare[:, -1].min() and (bare[:, -1] > bare[:, 0]).all()
assert round(1 / bare[:, 0].mean().item()) == 6
assert max(m.max() for m in mixed.values()) < 0.01
boat = {name: torch.tensor(list(seeds.values())).mean().item()
        for name, seeds in curve["others"]["boat"]["methods"].items()}
print({name: round(iou, 2) for name, iou in boat.items()})
assert boat["with PPM"] == max(boat.values())
car = curve["others"]["car"]["methods"]["with both"]["2"]  # seed 2
print(f"IoU of car, with both, seed 2: at most {max(car):.2f}")
assert max(car) < 0.06 and mixed["with both"][2].max() < 0.0001

# %% [markdown]
# The bare net fails as it must. Already at 0 it mixes up one pixel in six, since it sees no shapes, only patches of colour; at 1, more than one in
# four. With *any* of the heads the error is gone, below one in a hundred, at every context and with every seed. That is the papers' claim, and here
# it holds without an if or but.
#
# The printed lines tell them apart. Not being mixed up is not everything: a boat called *water* is lost as well. One of the nets with both heads mixes
# up nothing, and yet finds hardly a car. In the mean IoU of boat PPM is best, plain averages. ASPP is behind; we suspect its dropout, which leaves
# out half of its eight channels at a time, but that was not tested.
#
# So much for a net that sees 5 pixels. Now the same heads on the ResNet-18-8s of chapter 06, three seeds, same score:

# %%
deep_curve = read_card("curve_harbour_context_heads")
for name, seeds in deep_curve["methods"].items():
    worst = max(max(shares) for shares in seeds.values())
    print(f"{name:27} at most {worst:.4f} mixed up, at any context")
    assert worst < 0.0005

# %% [markdown]
# A curve would be a flat line at nought. **The plain net mixes up nothing.** The argument of section 2 was that a deep net's effective field is too
# small; here it is not, since the water begins one pixel below the keel. Where there is nothing to mend, what do the heads do? An **ablation** takes
# one part at a time. All nets have a quarter of the channels, 800 steps on the same pictures. Means over three seeds in per
# cent, lowest and highest in brackets:

# %%
from course_lib.training.compare import summary

PARTS = ["ResNet-18-8s", "PSP without auxiliary loss", "PSP-ResNet-18-8s",
         "DeepLabV3-ResNet-18-8s", "DeepLabV3 with pyramid",
         "DeepLabV3+-ResNet-18-16s"]
table = read_card("table_harbour")
rows = {row["net"]: row for row in summary(
    table, "equal steps", ("mean_iou", "boundary_iou"))}
card_table([rows[name] for name in PARTS],
           {"net": "net", "params": "weights", "mean_iou": "mean IoU",
            "boundary_iou": "boundary IoU"})

# %%
scores = {row["net"]: torch.tensor([run["mean_iou"] for run in
                                    row["runs"]["equal steps"].values()])
          for row in table["rows"] if row["net"] in PARTS}
plain, no_aux, aux, aspp, both, plus = (scores[name] for name in PARTS)
assert max(no_aux.max(), aux.max(), aspp.max(), both.max()) < plain.min()
assert plus.min() > plain.max()
edges = [float(rows[name]["boundary_iou"].split()[0]) for name in PARTS]
assert edges[-1] == max(edges) and edges[-1] > edges[0] + 2
assert no_aux.max() < aux.min() and aux.mean() - no_aux.mean() < 0.005
assert both.min() < aspp.max() and aspp.min() < both.max()

# %% [markdown]
# Every head at stride 8 *loses*, by more than the seeds differ; the auxiliary loss adds less than half a point; pyramid and ASPP together cannot
# be told from ASPP alone. Only V3+ gains, and not by context: its decoder looks at the map of stride 4, which shows in the boundary IoU. The
# papers report gains for all these parts. They trained for tens of thousands of steps from ImageNet weights, on photographs with 20 to 150
# classes; we have 800 steps from nothing, and a head is one more layer to learn. Both can be true. What the two curves add is the *condition*: a
# head helps as far as the net beneath it lacks what the head brings.
#
# ## On real data
#
# CamVid's streets have no dial for context, and no boats. What can be compared is a table: nets of one recipe, three eighths of the channels, 30
# epochs on crops of 240 x 180 pixels, measured on the 233 test pictures of 480 x 360. In per cent, one seed:

# %%
camvid = read_card("table_camvid")
card_table(summary(camvid, "30 epochs", ("mean_iou", "boundary_iou")),
           {"net": "net", "params": "weights", "mean_iou": "mean IoU",
            "boundary_iou": "boundary IoU"})
street = {row["net"]: row["runs"]["30 epochs"]["0"]["mean_iou"]
          for row in camvid["rows"] if "runs" in row}
v3plus = street["DeepLabV3+-ResNet-18-16s"]
assert camvid["rows"][0]["runs"]["30 epochs"]["0"]["steps"] == 2730
assert street["ResNet-18-32s"] < v3plus < street["ResNet-18-8s"] - 0.05

# %% [markdown]
# The winner of the harbour *loses* on the street, by more than five points to the plain net at stride 8. Its ASPP works at stride 16, and in 2,730
# steps from random weights its decoder has not made up for that. So neither table speaks for the heads as the papers do, and the two do not even agree with each
# other. The papers' tables are not wrong; they are about another situation than yours may be. And one seed is a hint, not a proof.

# %% [markdown]
# Where the photographs are at hand, the next cell holds our DeepLabV3 against torchvision's once more, on a whole street and with the batch
# norm statistics of streets.

# %%
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "camvid"
if folder and folder.is_dir():
    from course_lib.data.readers.camvid import CamVid

    streets = CamVid(folder, "test")
    pair = torch.stack([normalise(streets[i][0]) for i in (0, 1)])
    pair = F.interpolate(pair, (120, 160), mode="area")
    with torch.no_grad():
        theirs.train()(pair)
        deeplab.load_state_dict(theirs.state_dict())
        expected, got = theirs.eval()(pair)["out"], deeplab(pair)["out"]
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)

# %% [markdown]
# ## Exercises
#
# ### Exercise 07.1: a pyramid without weights
#
# Given a map `x` (B, C, h, w) and numbers of bins such as `(1, 2)`, return the map and behind it, for each number in order, its averages over that many
# bins on a side, enlarged bilinearly to h x w: (B, C (1 + number of levels), h, w).
#
# <details><summary>Hint 1</summary>
#
# `F.adaptive_avg_pool2d(x, bins)` averages, `F.interpolate(..., size=..., mode="bilinear")` enlarges.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Collect the parts in a list that begins with `x`, and join them with `torch.cat(parts, dim=1)`.
#
# </details>

# %%
def pyramid(x, bins):
    raise NotImplementedError

# %%
check("07.1", pyramid)

# %% [markdown]
# ### Exercise 07.2: what is left of nine taps
#
# On a square map with `size` cells on a side, which share of the nine taps of a 3x3 kernel with `rate` lies on the map, on average over all cells? No
# loop is needed. `valid_share(65, 65)` is 1/9, `valid_share(4, 2)` is 4/9.
#
# <details><summary>Hint 1</summary>
#
# Begin with one axis. The middle tap is always there, the left one for `size - rate` of `size` places, the right one as often.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The two axes are independent: square the number of taps of one axis. A rate larger than the map leaves no less than none.
#
# </details>

# %%
def valid_share(size, rate):
    raise NotImplementedError

# %%
check("07.2", valid_share)

# %% [markdown]
# ### Exercise 07.3: how far do they see?
#
# `rates` are those of 3x3 kernels. How many cells wide is the square that they see together, when they stand side by side (`in_a_row` is
# False) or when each takes the answer of the one before (True)?
#
# <details><summary>Hint 1</summary>
#
# One kernel of rate r sees 2r + 1 cells. Side by side, the widest decides.
#
# </details>
# <details><summary>Hint 2</summary>
#
# In a row, each kernel reaches r cells further to either side.
#
# </details>

# %%
def cells_seen(rates, in_a_row):
    raise NotImplementedError

# %%
check("07.3", cells_seen)

# %% [markdown]
# Stuck? The [solutions](solutions/07_psp_deeplab.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. You run DeepLabV3 with rates 12, 24 and 36 on pictures of 256 x 256 pixels at output stride 8. What has become of its three 3x3 branches?
# 2. A training of PSPNet stops in the last batch of an epoch. Of its bins 1, 2, 3 and 6, which one is the reason, and what are two ways out?
# 3. A colleague's deep net mixes up boats and cars, and she wants to add pyramid pooling. Which experiment do you do first, without any training?
#
# ## What you learned
#
# - You moved a thing and watched the answer, to test whether a trained net uses its surroundings.
# - You computed the bins of adaptive pooling by hand, overlaps included, and built pyramid pooling from them.
# - You computed the effective kernel of a dilated convolution, 2r + 1, and saw it become a 1x1 convolution when the rate reaches
#   the size of the map.
# - You built the ASPP of DeepLabV3, loaded torchvision's weights for equal answers, and counted that separable convolutions save a factor of 8.7.
# - You read an ablation: a part helps where the net lacked something, and a difference counts when it is larger than that of the seeds.
#
# New in your hands: `PyramidPooling`, `PooledBranch`, `ASPP`, `separable`, `DenseASPP`, `LRASPPHead`, and by name `psp_resnet18_8s`,
# `deeplabv3_resnet50_8s`, `deeplabv3plus_resnet18_16s`, `denseaspp_resnet18_8s`, `lraspp_mobilenetv3`.
#
# The dial of this chapter in one picture, and [turning](figures/07.webp):
#
# ![Boats and cars become one and the same hull. A net that sees 5 x 5 pixels mixes up a growing share of them; with pyramid pooling hardly any, over the whole range of the dial.](figures/07.png)
#
# ## Read more
#
# - Zhao et al., [Pyramid Scene Parsing Network](https://arxiv.org/abs/1612.01105), CVPR 2017: figure 2 is our dial, a boat taken for a car; [our
#   notes](../literature/notes/07_psp_deeplab.md) compare its tables with our curves.
# - Chen et al., [Rethinking Atrous Convolution for Semantic Image Segmentation](https://arxiv.org/abs/1706.05587), 2017: section 3.3 has the 65 x 65 map.
# - Chen et al., [Encoder-Decoder with Atrous Separable Convolution](https://arxiv.org/abs/1802.02611), ECCV 2018: the decoder of V3+.
# - Yang et al., [DenseASPP for Semantic Segmentation in Street Scenes](https://openaccess.thecvf.com/content_cvpr_2018/html/Yang_DenseASPP_for_Semantic_CVPR_2018_paper.html),
#   CVPR 2018: rates in a row.
