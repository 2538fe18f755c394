# %% [markdown]
# # 05. Training recipes: the same net, another score
#
# Two people train one net on the same pictures, and their scores are far apart. What lies between them is the recipe: a loss, a
# rate, a list of parameters, a batch. You take a recipe apart on a napkin, catch the mistakes that raise no error, and read off a
# measured table which knobs are worth your time.
#
# ## What you will be able to do
#
# - compute a masked, weighted, focal or hard-example loss by hand, and the losses made of overlap
# - choose a schedule with warm-up, and say why it must be clamped
# - audit an optimiser, and overfit one picture before any long run
# - repair, freeze or replace batch norm where its statistics go wrong
# - stop a run and resume it to the same bits, and judge which knob moves the score
#
# ## Before you start
#
# You need chapters 01 and 02, and you should have written a training loop before. About 60 minutes; the cells run in about
# 45 seconds on a CPU.

# %%
# setup

# %%
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.show import explore, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour")  # or "real"

# %% [markdown]
# ## The question
#
# The harbour has a rare class, the buoy. The dial `rarity` is the chance of each of its eight places to be taken: at 1
# the harbour is full of buoys, at 0.02 it has hardly any. What does a loss notice of buoys, as they grow rare?
#
# Imagine a lazy net: it gives the true class a share of 0.9 at every pixel, but at a buoy only 0.02. Cross entropy is the mean
# of $-\log p$. How much of it do the buoys hold?

# %%
buoy = Harbour.classes.index("buoy")
for rarity in (1.0, 0.3, 0.1, 0.02):
    scenes = Harbour("test", count=40, rarity=rarity)
    masks = torch.stack([ids for _, ids in scenes])  # (40, 96, 128)
    share = ((masks == buoy).sum() / (masks != 255).sum()).item()
    p = torch.tensor([0.02, 0.9])  # at a buoy, elsewhere
    parts = -p.log() * torch.tensor([share, 1 - share])
    print(f"rarity {rarity:<4}: {share:6.2%} of the pixels, "
          f"{parts[0] / parts.sum():5.1%} of the loss")

# %% [markdown]
# At rarity 1 the buoys hold a good part of the loss, and learning them pays. At 0.02 they hold next to nothing: a net that never
# says *buoy* has lost nothing the loss could notice, though it has lost a twelfth of the mean IoU (chapter 01). So the old
# method, plain cross entropy, should fail when the dial is turned down. Sections 1 and 2 show losses that were made to hold
# against it; the failure curve shows whether they do.

# %% [markdown]
# ## 1. Losses that add up pixels
#
# Four pixels, two classes. The first three are truly class 0, and the net gives that class the shares 0.9, 0.6 and 0.2. The
# fourth is void: nobody knows what it is.

# %%
p = torch.tensor([0.9, 0.6, 0.2, 0.5])  # share of class 0
logits = torch.stack([p, 1 - p]).log().view(1, 2, 1, 4)  # (B, C, H, W)
labels = torch.tensor([[[0, 0, 0, 255]]])  # (B, H, W)
each = -p[:3].log()
print("each:", [f"{x:.3f}" for x in each.tolist()])
print(f"sum: {each.sum():.3f}, mean of three: {each.mean():.3f}, "
      f"of four: {each.sum() / 4:.3f}")

from course_lib.losses import cross_entropy, focal, ohem

torch.testing.assert_close(cross_entropy(logits, labels), each.mean())
torch.testing.assert_close(cross_entropy(logits, labels, reduction="sum"),
                           each.sum())
assert cross_entropy(logits, labels * 0 + 255) == 0  # all void: no NaN

# %% [markdown]
# The mean is taken over the three pixels *that have a class*. Dividing by four would make a picture with a wide void
# band look better than it is. The sum leaves void out too, but its size follows the crop: twice the pixels, twice the
# gradient, and the learning rate you tuned is wrong.
#
# Now three ways to make rare or hard pixels heard.
#
# **Class weights** multiply the loss of a pixel by a number for its class, and divide by the sum of these numbers. Say the
# third pixel is truly of class 1, to which the net gives 0.8, and the weights are 1 and 3:

# %%
truly = torch.tensor([[[0, 0, 1, 255]]])
third = -(1 - p[2]).log()  # -log 0.8
torch.testing.assert_close(
    cross_entropy(logits, truly, torch.tensor([1.0, 3.0])),
    (1 * each[0] + 1 * each[1] + 3 * third) / (1 + 1 + 3))

# %% [markdown]
# Which weights? One over the share of the class would make all classes alike (power 1); its square root is milder:

# %%
from course_lib.training.optimiser import class_weights

masks = [ids for _, ids in Harbour("train", count=100)]
for power in (0.0, 0.5, 1.0):
    weights = class_weights(masks, 12, power)  # (12,)
    times = weights[buoy] / weights[Harbour.classes.index("sky")]
    print(f"power {power}: a buoy pixel counts {times:.0f} times a sky pixel")

# %% [markdown]
# **Focal loss** asks no table. It multiplies each $-\log p$ by $(1 - p)^\gamma$: what is right already counts less.
# **OHEM** (online hard example mining) is blunter: pixels with $p$ above 0.7 are dropped, as long as enough remain.

# %%
factors = (1 - p[:3]) ** 2
print("factors at gamma 2:", [f"{x:.2f}" for x in factors.tolist()])
torch.testing.assert_close(focal(logits, labels, gamma=2.0),
                           (factors * each).mean())
torch.testing.assert_close(focal(logits, labels, gamma=0.0), each.mean())
torch.testing.assert_close(ohem(logits, labels, threshold=0.7, min_kept=1),
                           each[1:].mean())

# %% [markdown]
# 0.9 is nearly forgotten, 0.2 keeps two thirds. With $\gamma = 0$ focal loss *is* cross entropy.
#
# **Try it.** Here are 10,000 easy pixels ($p = 0.95$), 300 uncertain ones (0.5) and 20 that are wrong (0.05). Predict which
# group holds most of the loss at $\gamma$ = 0, then at 5.

# %%
groups_of_pixels = {"easy": (10_000, 0.95), "uncertain": (300, 0.5),
                    "wrong": (20, 0.05)}


def who_is_heard(gamma):
    total = {name: n * (1 - q) ** gamma * -torch.tensor(q).log().item()
             for name, (n, q) in groups_of_pixels.items()}
    fig = Figure(figsize=(3.4, 2.3), layout="constrained")
    ax = fig.subplots()
    shares = [value / sum(total.values()) for value in total.values()]
    bars = ax.barh(list(total), shares)
    ax.bar_label(bars, [f"{s:.0%}" for s in shares], padding=3)
    ax.set(xlim=(0, 1.15), title=f"share of the loss, γ = {gamma:g}")
    return fig


explore(who_is_heard, gamma=[0, 0.5, 1, 2, 5], largest=40_000,
        alt="Shares of the loss of easy, uncertain and wrong pixels: easy "
            "ones lead at gamma 0, wrong ones at 5.")

# %% [markdown]
# Without focus, the easy crowd speaks loudest, each pixel with a whisper. Mind the other end: at a large $\gamma$ twenty wrong
# pixels lead, and in real labels some of those are *mislabelled*.

# %% [markdown]
# ## 2. Losses made of overlap
#
# We judge by IoU, so why not train by it? Counting pixels has no gradient, but *shares* have. A class that owns two of
# six pixels, and what the net gives it:

# %%
own = torch.tensor([1.0, 1, 0, 0, 0, 0])
q = torch.tensor([0.8, 0.4, 0.1, 0.1, 0.0, 0.0])  # share of the class
hit = (q * own).sum()  # 1.2 of its pixels are found
taken = (q * (1 - own)).sum()  # 0.2 taken from others
left = ((1 - q) * own).sum()  # 0.8 left to others
print(f"Jaccard {1 - hit / (hit + taken + left):.3f}, "
      f"Dice {1 - 2 * hit / (2 * hit + taken + left):.3f}, "
      f"Tversky {1 - hit / (hit + 0.3 * taken + 0.7 * left):.3f}")

# %% [markdown]
# *Jaccard* is 1 - IoU, *Dice* is 1 - F1. *Tversky* weighs what was taken by $\alpha$ and what was left by $\beta$: with
# both 0.5 it is Dice, with both 1 Jaccard, and here, with 0.3 and 0.7, missing a pixel costs more than inventing one.
# The library averages over the classes that occur, so the other class is there too:

# %%
from course_lib.losses import dice, jaccard, lovasz_softmax, tversky

pair = torch.stack([1 - q, q]).clamp(min=1e-9).log().view(1, 2, 1, 6)
truth = own.long().view(1, 1, 6)
other = 1 - 2 * 3.8 / (2 * 3.8 + 0.8 + 0.2)  # 3.8 found, 0.8 taken, 0.2 left
mine = 1 - 2 * hit / (2 * hit + taken + left)
torch.testing.assert_close(dice(pair, truth), (mine + other) / 2)
torch.testing.assert_close(tversky(pair, truth, 0.5, 0.5), dice(pair, truth))
torch.testing.assert_close(tversky(pair, truth, 1, 1), jaccard(pair, truth))

# %% [markdown]
# **Lovász** follows IoU itself. It sorts the errors of a class and asks how much the IoU drops with each further
# mistake. Where all answers are hard, it *is* 1 - IoU: here one of two pixels is missed, so the IoU is 1/2 for one
# class and 4/5 for the other.

# %%
hard = 1e4 * F.one_hot(torch.tensor([1, 0, 0, 0, 0, 0]), 2).float().T
loss = lovasz_softmax(hard.view(1, 2, 1, 6), truth)
assert abs(loss.item() - (1 - (1 / 2 + 4 / 5) / 2)) < 1e-5

# %% [markdown]
# What does a rare class gain? Take one harbour, a net that knows nothing yet (all shares 1/12), and ask which part of each loss's
# gradient falls on the buoys.

# %%
scenes = Harbour("train", count=40, rarity=0.3)
mask = next(ids for _, ids in scenes if 15 < (ids == buoy).sum() < 60)[None]
losses = {
    "cross entropy": cross_entropy,
    "focal": focal,
    "class weights": lambda x, y: cross_entropy(
        x, y, class_weights(masks, 12, 0.5)),
    "Lovász": lovasz_softmax,
    "Dice": dice,
}
heard = {}
for name, loss in losses.items():
    start = torch.zeros(1, 12, *mask.shape[1:], requires_grad=True)
    [gradient] = torch.autograd.grad(loss(start, mask), start)
    size = gradient.abs().sum(dim=1)  # (1, H, W)
    heard[name] = (size[mask == buoy].sum() / size.sum()).item()

fig = Figure(figsize=(6.4, 2.5), layout="constrained")
ax = fig.subplots()
bars = ax.barh(list(heard)[::-1], list(heard.values())[::-1])
ax.bar_label(bars, [f"{x:.1%}" for x in list(heard.values())[::-1]], padding=3)
ax.set(title="part of the first gradient that falls on the buoys",
       xlim=(0, 1.2 * max(heard.values())))
show(fig, alt="Bars: cross entropy, focal loss and Dice give the buoys under "
              "one per cent, class weights a few, Lovász a twelfth.",
     data=list(heard.values()), largest=25_000)
assert abs(heard["focal"] - heard["cross entropy"]) < 1e-6
assert abs(heard["Lovász"] - 1 / 12) < 1e-4
assert heard["Dice"] > 2 * heard["cross entropy"]
assert heard["class weights"] > 10 * heard["cross entropy"]

# %% [markdown]
# Cross entropy and focal loss are alike here, since nothing is easy yet: focal loss acts late. Dice doubles the voice
# of the buoys, class weights multiply it by ten. And Lovász gives each of the twelve classes of this picture *exactly*
# a twelfth, however few pixels it has.
#
# Two small ones complete the list. An **auxiliary loss** is the same loss once more, on a map from the middle of the
# net, times 0.4. It helps the gradient into deep nets and is thrown away afterwards. **Class presence** asks a
# yes-or-no question for each class, *is there one in the picture?*, and never cares where.

# %%
from course_lib.losses import class_presence, pick_loss, supervised

outputs = {"out": logits, "aux": logits * 0}  # aux: shares of 1/2 everywhere
total = supervised(outputs, labels, aux_weight=0.4)
torch.testing.assert_close(total, each.mean() + 0.4 * torch.tensor(2.0).log())
yes_no = torch.tensor([[2.0, -2.0]])  # sure of class 0, sure of no class 1
assert class_presence(yes_no, labels) < 0.13 < class_presence(-yes_no, labels)
both = pick_loss("cross_entropy+dice")  # as a recipe names it
torch.testing.assert_close(both(pair, truth),
                           cross_entropy(pair, truth) + dice(pair, truth))

# %% [markdown]
# ## 3. A rate that falls
#
# A high learning rate crosses the valley, a low one finds its floor; a **schedule** goes from one to the other. *Poly*
# is the one of the segmentation papers: $(1 - t)^{0.9}$, where $t$ is how much of the run is over. One step past the
# end, by Python:

# %%
print(type((1 - 101 / 100) ** 0.9).__name__)

# %% [markdown]
# A complex number. An older library has this defect: whoever trains one epoch longer than planned gets an error, or worse. So
# every schedule is **clamped**: it stays at its end.
#
# **Warm-up** is the other end: the first steps run at a fraction, since a fresh batch norm and a fresh Adam have seen
# too little to trust their own step. Common starts are 1/3 and 1/1000 of the rate.

# %%
from course_lib.training.recipe import Recipe
from course_lib.training.schedules import SCHEDULES, learning_rate, poly

assert poly(101, 100) == poly(100, 100) == 0.0
recipe = Recipe("any", steps=100, lr=1.0, warmup_iters=10, warmup_factor=1 / 3)
print([round(learning_rate(recipe, s, 100), 3) for s in (0, 5, 10, 50, 100)])


def rates(warmup_factor):
    fig = Figure(figsize=(3.6, 3), layout="constrained")
    ax = fig.subplots()
    for name in SCHEDULES:
        r = Recipe("any", steps=100, schedule=name, milestones=(0.5, 0.8),
                   lr=1.0, warmup_iters=15, warmup_factor=warmup_factor)
        ax.plot([learning_rate(r, s, 100) for s in range(116)], label=name,
                marker="", linewidth=1.5)
    ax.legend(fontsize=8, ncols=2, loc="upper right")
    ax.set(xlabel="step", title="share of the highest rate", ylim=(0, 1.6))
    return fig


explore(rates, warmup_factor=[1.0, 0.333, 0.001], largest=90_000,
        alt="Six schedules over 115 steps of a run of 100, for three starts "
            "of the warm-up; past step 100 each stays where it is.")

# %% [markdown]
# *Step* and *multistep* cut the rate to a tenth: here the first at every half of the run, the second at 0.5 and at 0.8 of
# it. Warm-up and schedule are *multiplied*, so a rate that falls from the start never reaches 1 behind a warm-up.
#
# **Try it.** Where does *cosine* lie above *poly*, and where below? Guess what a net loses whose rate does not fall at
# all; section 6 has measured it.

# %% [markdown]
# ## 4. Who is in the optimiser?
#
# An optimiser moves what it was given, and nothing else. It is given **groups**. Two habits: no weight decay on biases
# and norms (they are few, and pulling a scale to 0 switches a channel off); and a head that starts from nothing runs at
# ten times the rate of a backbone that was trained before.

# %%
from course_lib.models import build
from course_lib.training.optimiser import groups

torch.manual_seed(0)
net = build("deeplabv3plus_resnet18_16s", 12, width=8)
for group in groups(net, weight_decay=0.01, head_lr=10.0):
    print(f"{len(group['params']):3} tensors, decay {group['weight_decay']}, "
          f"rate x {group.get('lr_scale', 1.0):g}")

# %% [markdown]
# Now a real defect. A well-known library builds these groups from two lists: the pretrained part, and the names each
# model declares as its own. Its DeepLabV3+ forgot to declare any. Nothing complains.

# %%
as_they_did = torch.optim.SGD(net.backbone.parameters(), lr=0.01)
head = [p for n, p in net.named_parameters() if not n.startswith("backbone.")]
print(len(list(net.parameters())), "tensors, of which", len(head),
      "are never moved")

# %% [markdown]
# An **audit** takes one line. It asks two questions of every trainable tensor: is it in exactly one group, and does a
# gradient reach it?

# %%
from course_lib.training.audit import audit

found = audit(net, as_they_did.param_groups)
assert len(found.missing) == len(head) and not found.without_gradient
print(len(found.missing), "in no group, the first is", found.missing[0])
assert audit(net, groups(net, 0.01, head_lr=10.0)).passed

# %% [markdown]
# In a script, `.check()` of what it found stops the run with one sentence that names the first of them.
#
# Would you have seen it from the loss? We let the net learn **one picture** by heart, whole and with its head left out.
# This is also the first test of any new net: whoever cannot learn one picture has a bug.

# %%
from course_lib.training.overfit import overfit

image, ids = Harbour("train", size=(64, 96))[0]
whole = overfit(net, image, ids, steps=50)
torch.manual_seed(0)
maimed = build("deeplabv3plus_resnet18_16s", 12, width=8)
for name, parameter in maimed.named_parameters():
    parameter.requires_grad_(name.startswith("backbone."))
without = overfit(maimed, image, ids, steps=50)

# %%
fig = Figure(figsize=(6.4, 3), layout="constrained")
ax = fig.subplots()
for name, went in {"all of it": whole, "head left out": without}.items():
    ax.plot(went.losses, label=name, marker="")
ax.set(xlabel="step", title="loss on one picture", ylim=(0, None))
ax.legend()
show(fig, alt="Two falling losses on one picture: the one whose head was left "
              "out falls as well, but stays higher.", largest=40_000)
claim("loss of the whole net, last over first",
      whole.losses[-1] / whole.losses[0], at_most=0.4)
claim("the same with the head left out",
      without.losses[-1] / without.losses[0], at_least=0.6, at_most=0.95)

# %% [markdown]
# It falls *too*, since the backbone bends itself around a random head. On one picture the difference cries out. In the
# log of a long run, with a good backbone and no second curve beside it, it looks like a net that needs more time. That
# is how such a defect lives for years, and why this course runs audit and overfitting as tests, over every net it has.

# %% [markdown]
# ## 5. Batch norm has two faces
#
# In training, **batch norm** subtracts the mean of the batch and divides by its spread. In evaluation it uses running
# averages instead: each batch moves them a tenth of the way. Three batches, whose means are 1, 2 and 6:

# %%
norm = nn.BatchNorm1d(1)
batches = [torch.tensor([[m - 1], [m + 1]]) for m in (1.0, 2.0, 6.0)]
for batch in batches:
    norm(batch)
print(f"running mean: {norm.running_mean.item():.3f}")
assert abs(norm.running_mean.item() - (0.1 * 0.81 + 0.2 * 0.9 + 0.6)) < 1e-6

# %% [markdown]
# The true mean is 3, the running one 0.861: it starts at 0 and has hardly moved. After a short run, or after weights have moved
# fast, evaluation therefore differs from training, and a net that learnt its picture by heart seems to have forgotten it.
# The cure is one more pass, that takes plain averages: **population statistics**.

# %%
from course_lib.models.normalisation import (freeze_batch_norm,
                                             population_statistics)

population_statistics(nn.Sequential(norm), batches)
print(f"after one pass: {norm.running_mean.item():.3f}")

# %% [markdown]
# Three more situations, three tools. A trained backbone and a batch of two: **freeze** it, so that training uses the
# kept statistics. A net from scratch and small batches: **group norm**, which averages within one picture and needs no
# batch. And in several processes, SyncBN (chapter 18).

# %%
images = torch.randn(4, 3, 32, 48)
small = build("resnet9_8s", 12, width=8)
as_evaluated = small.eval()(images)["out"]
frozen = freeze_batch_norm(small).train()  # training mode, and yet
torch.testing.assert_close(frozen(images)["out"], as_evaluated)

grouped = build("resnet9_8s", 12, width=8, norm="group")
alone = torch.cat([grouped(image[None])["out"] for image in images])
torch.testing.assert_close(grouped(images)["out"], alone,
                           atol=1e-4, rtol=1e-4)

# %% [markdown]
# One failure has an error of its own. A head that pools the whole picture has a map of 1 x 1, and in a batch of one,
# one number is left to normalise: its mean is itself, its spread is 0.

# %%
try:
    net.train()(images[:1])
except ValueError as error:
    print(error)

# %% [markdown]
# Never train such a net with a batch of one, and drop the last, smaller batch of an epoch.

# %% [markdown]
# ## 6. Stop, resume, and what moves the score
#
# Long runs die: a power cut, a queue that ends. A checkpoint that holds only weights lets you go on, but not on the
# *same* run: the optimiser forgets its averages, the schedule starts again, the pictures come in another order. Ours
# holds all of it. We train 12 steps in one go, then again and pull the plug in the middle.

# %%
import tempfile

from course_lib.training.checkpoint import load_checkpoint
from course_lib.training.loop import train

tiny = Recipe("resnet9_8s", {"width": 8}, steps=12, batch_size=2,
              crop_size=(32, 48), lr=3e-3, warmup_iters=4)
pupils = Harbour("train", count=8, size=(48, 64))
in_one_go = train(tiny, pupils, say=lambda line: None)  # epochs of 4 steps


def pull_the_plug(line):
    if line.startswith("epoch 3"):  # said before step 12 is saved
        raise KeyboardInterrupt


with tempfile.TemporaryDirectory() as folder:
    try:
        train(tiny, pupils, folder=folder, say=pull_the_plug)
    except KeyboardInterrupt:
        kept = load_checkpoint(f"{folder}/last.pt")
        print("stopped; the checkpoint is at step", kept["step"])
    resumed = train(tiny, pupils, folder=folder, resume=True,
                    say=lambda line: None)

# %%
for a, b in zip(in_one_go.model.parameters(), resumed.model.parameters(),
                strict=True):
    assert torch.equal(a, b)  # every bit
assert in_one_go.losses == resumed.losses
print(", ".join(sorted(kept)))

# %% [markdown]
# Equal to the last bit, after 12 steps with and without the accident. The list says what it takes: weights and their running
# average, the optimiser's state, the position (which fixes schedule and order of pictures) and the state of the random generator.
#
# Now the question of the title. One small net was trained on 2,400 crops, again and again, each time with *one* thing
# changed, three seeds each:

# %%
from course_lib.training.cards import read_card

card = read_card("table_recipes_harbour")
column = next(iter(card["lengths"]))
scores = {row["net"]: torch.tensor([run["mean_iou"] for run in
                                    row["runs"][column].values()])
          for row in card["rows"]}
fig = Figure(figsize=(7.4, 4), layout="constrained")
ax = fig.subplots()
for y, (name, points) in enumerate(sorted(scores.items(),
                                          key=lambda s: s[1].mean())):
    low, middle, high = points.min(), points.mean(), points.max()
    ax.plot([low, high], [y, y], color="#9AA0A6", marker="|")
    ax.plot(middle, y, "o", color="C1" if name == "as it is" else "C0")
names = sorted(scores, key=lambda name: scores[name].mean())
ax.set_yticks(range(len(names)), names)
ax.axvline(scores["as it is"].mean(), color="#9AA0A6", linewidth=1, zorder=0)
ax.set(title="mean IoU: mean, lowest and highest of three seeds")
show(fig, alt="Mean IoU of one net under ten recipes, with the spread over "
              "three seeds; the learning rate and the batch move it most.",
     data=[scores[name].mean() for name in names], largest=50_000)

# %%
for row in card["rows"]:
    its = {**card["lengths"][column], **card["recipe"], **row["recipe"]}
    assert its["steps"] * its["batch_size"] == 2_400
gain = {name: (points - scores["as it is"]).mean().item()
        for name, points in scores.items()}  # seed by seed, then the mean
assert gain["learning rate / 10"] < -0.2 and gain["batch 32"] < -0.2
assert abs(gain["learning rate x 10"]) < 0.03 and gain["batch 2"] > 0.02
assert 0.03 < gain["class weights"] < 0.04
assert 0.01 < gain["cross entropy + Dice"] < 0.02
assert gain["group norm"] < -0.03 and gain["random scale 0.5-2"] < -0.02
assert abs(gain["constant rate"]) < 0.03
spread = [(scores[n].max() - scores[n].min()).item() for n in names]
assert 0.02 < min(spread[:3]) and max(spread[:3]) < 0.07  # the weakest
assert max(spread[3:]) < 0.015
sky = {row["net"]: torch.tensor([
    run["class_iou"][name] for name in ("sky", "water", "road", "building")
    for run in row["runs"][column].values()]).mean() for row in card["rows"]}
assert sky["class weights"] < sky["as it is"]  # large classes gained nothing

# %% [markdown]
# *What moved it.* The rate, and the number of steps. A tenth of the rate costs more than 20 points of mean IoU, ten
# times the rate next to nothing: when in doubt, go up until it breaks. Batch 32 sees as many crops as all others, so it
# makes 75 steps where batch 2 makes 1,200; that is most of the distance between them. Class weights help by 3 points,
# Dice by 1. With the weights, all of that lies in small and rare classes; sky, water, road and buildings even lose a
# little.
#
# *What did not help.* Group norm is no cure where batch norm is not ill: with 8 crops it costs points. Random scale
# makes pupils that have seen more, but 300 steps are too few to profit, and the test pictures have one scale. And the
# schedule, on which much has been written: a *constant* rate is as good as poly here. Perhaps because every row is
# scored with **averaged weights**, a running mean over the last steps, which settle as a falling rate does; take them
# away and see.
#
# Mind the bars. Seeds alone move a row by up to 1.5 points, and the three weakest by 2 to 7, so a gain of one point in
# one run is no gain. And mind the limits: this is a tiny net and a short run. The table tells you what to try on yours,
# not what you will find.

# %% [markdown]
# ## A common mistake
#
# You train, note the last loss of the log, then load the net, compute the loss on the same picture, and it is far
# lower. Did the last step help so much? Nothing has been learnt in between. The log was written with **dropout** on,
# where half the channels are silenced; you measured with dropout off. A blog post reported such a jump as the result of
# its training.

# %%
torch.manual_seed(0)
droppy = nn.Sequential(nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(),
                       nn.Dropout2d(0.5), nn.Conv2d(16, 12, 1))
optimiser = torch.optim.AdamW(droppy.parameters(), lr=2e-2)
batch = normalise(image)[None, :, ::2, ::2]  # (1, 3, 32, 48)
target = ids[None, ::2, ::2]
for _ in range(100):
    loss = cross_entropy(droppy(batch), target)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
with torch.no_grad():
    on = sum(cross_entropy(droppy(batch), target) for _ in range(20)) / 20
    off = cross_entropy(droppy.eval()(batch), target)
claim("loss with dropout on, over loss with dropout off", on / off,
      at_least=1.1)

# %% [markdown]
# The same weights, the same picture, two losses. Compare a loss only with one that was measured in the same mode. The
# same holds for scores: a library whose training log scores the middle of each picture, and whose evaluation scores it
# whole, has two numbers for one checkpoint.

# %% [markdown]
# ## The failure curve
#
# Back to the buoys. One small net was trained with four losses and three seeds, on *one* mix of pictures of all five
# rarities; the dial turns only at the test, with 200 pictures at each stop. *With Lovász* is cross entropy plus Lovász.

# %%
from course_lib.show import failure_curve

curve = read_card("curve_harbour_rarity_losses")
parts = {"mean IoU": curve, **curve["others"]}
table = {name: {method: torch.tensor(list(seeds.values()))  # (3, V)
                for method, seeds in part["methods"].items()}
         for name, part in parts.items()}
show(failure_curve({**curve, **parts["buoy"]}),
     alt="IoU of buoy against rarity: cross entropy lies on the floor, focal "
         "loss a little above; weights and Lovász rise above 0.4.",
     data=list(table["buoy"].values()), largest=30_000)

# %%
fig = Figure(figsize=(7.6, 3.2), layout="constrained")
axes = fig.subplots(1, 2, sharey=True)
for ax, name in zip(axes, ("mean IoU", "pixel accuracy"), strict=True):
    for method, points in table[name].items():
        middle, low, high = points.mean(0), points.amin(0), points.amax(0)
        ax.errorbar(curve["values"], middle, [middle - low, high - middle],
                    label=method, capsize=2)
    ax.set(title=name, xlabel="rarity", xticks=[0.02, 0.3, 0.6, 1])
axes[1].legend(loc="lower right")
show(fig, alt="Mean IoU: weights and Lovász lie three to six points above the "
              "others. Pixel accuracy: all four run together.",
     data=[*table["mean IoU"].values(), *table["pixel accuracy"].values()],
     largest=40_000)

# %%
rare, common = 0, len(curve["values"]) - 1  # rarity 0.02 and 1
assert table["buoy"]["cross entropy"].max() < 0.15
assert table["buoy"]["focal loss"].max() < 0.3
for better in ("class weights", "with Lovász"):
    assert table["buoy"][better][:, common].min() > 0.3
    assert table["buoy"][better][:, rare].max() < 0.25
    more = table["mean IoU"][better] - table["mean IoU"]["cross entropy"]
    assert more[:, common].min() > 0.04 and more[:, rare].min() > 0.01
new = list(curve["methods"])[1:]
together = [table["buoy"][method][:, rare].mean() for method in new]
assert max(together) - min(together) < 0.06
accuracy = torch.stack([x.mean(0) for x in table["pixel accuracy"].values()])
assert (accuracy.max(0).values - accuracy.min(0).values).max() < 0.0125
assert (accuracy[1] < accuracy[0]).all()  # weights below plain

# %% [markdown]
# Plain cross entropy hardly finds a buoy at any rarity, also where the test pictures are full of them. Focal loss, made
# for rare objects, changes that only a little: it turns away from easy pixels, but hard sky is heard as much as a hard
# buoy. Class weights and Lovász lift the IoU of buoys above 0.3 where they are common, and the mean IoU by more than 4
# points. Pixel accuracy sees nothing of all that: its four lines lie about a point apart, and class weights come out
# *below* plain cross entropy. Whoever chooses between these two by it takes the net without buoys.
#
# Now the other end. As buoys grow rare, the new losses fall too, and at 0.02 they are no better than focal loss. Why?
# The net that was trained with class weights comes with the course; ask it at both ends how many buoy pixels it finds,
# and how many of those it names are buoys.

# %%
from course_lib.metrics import ConfusionMatrix
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net

weighted, _ = load_net(weights_dir() / "feather_weights_harbour.safetensors")
found, right = {}, {}
for rarity in (0.02, 1.0):
    matrix = ConfusionMatrix(12)
    for photo, ids in Harbour("test", count=80, rarity=rarity):
        with torch.no_grad():
            logits = weighted(normalise(photo)[None])["out"]
        matrix.update(ids, logits[0].argmax(0))
    counts = matrix.matrix[:12, :12].double()  # truth in rows
    found[rarity] = counts[buoy, buoy] / counts[buoy].sum()
    right[rarity] = counts[buoy, buoy] / counts[:, buoy].sum()
claim("share of buoy pixels found at rarity 1", found[1.0], at_least=0.6)
claim("the same at 0.02", found[0.02], at_least=0.6)
claim("share of named pixels that are right at 1", right[1.0], at_least=0.45)
claim("the same at 0.02", right[0.02], at_most=0.2)

# %% [markdown]
# It finds buoys as before. But it also names some where there are none, and where buoys are so much rarer, the same
# false alarms outweigh the true ones. A loss shifts the line between missing and inventing; it does not know how rare
# the world will be in which the net is used. Part of that can be mended afterwards, as the next section shows.

# %% [markdown]
# ## On real data
#
# CamVid's rare classes are poles, signs and cyclists. The net of chapter 01 that learnt those streets in 15 minutes on
# two cores used class weights of power 0.5, and its card holds a lesson. Weights teach a net to *notice* rare classes,
# and also to *name* them too often: each logit has grown by about the logarithm of its weight. After training, a share
# of that can be taken back. Which share was chosen on the validation pictures:

# %%
camvid = read_card("dilated_fpn_camvid")
taken_back = camvid["calibration"]["mean_iou"]
for share, score in taken_back.items():
    print(f"{float(share):4.0%} taken back: mean IoU {score:.3f}"
          + ("  <- chosen" if float(share) == camvid["calibration"]["strength"]
             else ""))
assert 0.015 < taken_back["0.8"] - taken_back["0.0"] < 0.02

# %% [markdown]
# Weights in training, most of them undone in the answers: 1.7 points, free of charge. That card's recipe, and the
# commands to try another:

# %%
kept = {"batch_size", "crop_size", "scale", "lr", "warmup_iters",
        "class_weight", "average", "power"}
print({k: v for k, v in camvid["recipe"].items() if k in kept})
print("python -m course_lib train --dataset camvid --budget-minutes 15")
print("python -m course_lib train --dataset camvid --epochs 30 "
      "--loss cross_entropy+dice --schedule cosine")
print("python -m course_lib compare recipes_harbour --seeds 0 1 2 --keep")

# %% [markdown]
# Where the street scenes are at hand, the next cell counts what the weights were made from.

# %%
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "camvid"
if folder and folder.is_dir():
    from course_lib.data.opening import open_dataset

    streets = open_dataset("camvid", "train", None)
    some = [streets[i][1] for i in range(0, len(streets), 12)]
    weights = class_weights(some, streets.classes.num_classes, 0.5)
    names = streets.classes.names
    heavy = weights[names.index("sign symbol")] / weights[names.index("road")]
    assert 3 < heavy < 12  # a sign counts so many times a piece of road

# %% [markdown]
# ## Exercises
#
# ### Exercise 05.1: a masked mean
#
# `losses` and `labels` have one shape. Give the mean of the losses over the pixels whose label is not 255, and 0 where
# there is no such pixel. Losses 1, 2, 9 with labels 0, 4, 255 give 1.5.
#
# <details><summary>Hint 1</summary>
#
# `losses[labels != 255]` keeps what counts. What is the mean of nothing?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Divide the sum by `max(1, number of kept pixels)`.
#
# </details>

# %%
def masked_mean(losses, labels):
    raise NotImplementedError

# %%
check("05.1", masked_mean)

# %% [markdown]
# ### Exercise 05.2: a rate of your own
#
# Write the *linear* schedule, from `lr` at step 0 to 0 at step `steps`, clamped. During the first `warmup` steps it is
# multiplied by a factor that rises in a straight line from 1/3 at step 0 to 1 at step `warmup`.
#
# <details><summary>Hint 1: the two factors</summary>
#
# They are multiplied, not chosen between: at step 5 of `rate(5, 100, 0.3, 10)` both 2/3 and 0.95 act.
#
# </details>
# <details><summary>Hint 2: the clamp</summary>
#
# `max(0.0, 1 - step / steps)`; and no division by `warmup` where that is 0.
#
# </details>

# %%
def rate(step, steps, lr, warmup):
    raise NotImplementedError

# %%
check("05.2", rate)

# %% [markdown]
# ### Exercise 05.3: half an audit
#
# `groups` is a list of dicts, each with a list under `"params"`. Give the names of the trainable parameters of `net`
# that are in none of them, in the order of `net.named_parameters()`. A parameter with `requires_grad` False needs no
# group.
#
# <details><summary>Hint 1</summary>
#
# Compare tensors by `id(p)`: `p in list` would compare their numbers.
#
# </details>
# <details><summary>Hint 2</summary>
#
# First a set of the ids of all tensors in all groups, then one line over `net.named_parameters()`.
#
# </details>

# %%
def left_out(net, groups):
    raise NotImplementedError

# %%
check("05.3", left_out)

# %% [markdown]
# Stuck? The [solutions](solutions/05_training_recipes.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. Your loss is a *sum* over pixels, and you double the sides of the crop. What happens to the gradient, and what do you do?
# 2. Training loss falls, evaluation on the *training* pictures is bad, and the run had 40 steps. What do you suspect first?
# 3. A colleague's DeepLabV3+ scores eight points below the paper. Which one-line test do you ask for before any new run?
#
# ## What you learned
#
# - You computed masked, weighted, focal and hard-example losses by hand, and the losses made of overlap: Dice, Jaccard, Tversky, Lovász.
# - You chose schedules with warm-up, and saw that a rate past the end must be clamped.
# - You audited an optimiser, found the head it had left out, and overfitted one picture.
# - You repaired, froze and replaced batch norm, whose statistics go wrong in small batches and short runs.
# - You stopped a run and resumed it to the same bits, and judged from a measured table which knob moves the score.
#
# New in your hands: `cross_entropy`, `class_weights`, `focal`, `ohem`, `dice`, `jaccard`, `tversky`, `lovasz_softmax`,
# `class_presence`, `supervised`, `pick_loss`, `learning_rate`, `groups`, `audit`, `overfit`, `population_statistics`,
# `freeze_batch_norm`, `train`.
#
# ## Read more
#
# - Lin et al., [Focal Loss for Dense Object Detection](https://arxiv.org/abs/1708.02002), ICCV 2017: why easy pixels shout down hard
#   ones; [our notes](../literature/notes/05_losses.md) say what our curve adds.
# - Berman, Triki and Blaschko, [The Lovász-Softmax loss](https://arxiv.org/abs/1705.08790), CVPR 2018: a loss that follows IoU.
# - Wu and He, [Group Normalization](https://arxiv.org/abs/1803.08494), ECCV 2018: the figure of error against batch size.
# - Menon et al., [Long-tail learning via logit adjustment](https://arxiv.org/abs/2007.07314), ICLR 2021: why weights are taken back.
