# %% [markdown]
# # 15. Training YOLO: your own things, from 35 pictures: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 15.1: read a label, and refuse a wrong one
#
# Shares lie between 0 and 1. A number above 1 is a pixel that was written for a share, the commonest fault of labels that a
# script has converted.

# %%
import torch

from course_lib.teaching import check


def read_label(line, height, width):
    words = line.split()
    if len(words) != 5:
        raise ValueError(f"{line!r} has {len(words)} numbers, not 5")
    label, (cx, cy, w, h) = int(words[0]), map(float, words[1:])
    if not all(0 <= share <= 1 for share in (cx, cy, w, h)):
        raise ValueError(f"{line!r} is not in shares of 0 to 1: pixels?")
    box = [(cx - w / 2) * width, (cy - h / 2) * height,
           (cx + w / 2) * width, (cy + h / 2) * height]
    return label + 1, box


check("15.1", read_label)

# %% [markdown]
# ## Exercise 15.2: a step of k-means
#
# `int("1.5")` raised the error of the last exercise by itself; here the care goes to an anchor that no box has chosen. The mean of nothing
# would be NaN.

# %%
def k_means_step(sizes, anchors):
    shared = torch.minimum(sizes[:, None], anchors).prod(dim=-1)  # (N, K)
    union = sizes.prod(-1)[:, None] + anchors.prod(-1) - shared
    nearest = (shared / union).argmax(dim=1)  # (N,)
    moved = anchors.clone()
    for k in nearest.unique():
        moved[k] = sizes[nearest == k].mean(dim=0)
    return moved


check("15.2", k_means_step)

# %% [markdown]
# ## Exercise 15.3: who answers for this box
#
# The centre names the cell, the shape names the anchor. What is left over after both becomes the four targets.

# %%
def assign_one(box, anchors, stride):
    x1, y1, x2, y2 = box
    size = torch.tensor([x2 - x1, y2 - y1])
    shared = torch.minimum(size, anchors).prod(dim=-1)  # (K,)
    iou = shared / (size.prod() + anchors.prod(-1) - shared)
    anchor = int(iou.argmax())
    x, y = (x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride  # in cells
    column, row = int(x), int(y)
    sides = (size / anchors[anchor]).log().tolist()
    return anchor, row, column, [x - column, y - row, *sides]


check("15.3", assign_one)

# %% [markdown]
# ## Exercise 15.4: fold a norm into any convolution
#
# Batch norm in evaluation is $\gamma (z - \mu) / \sigma + \beta$ with $\sigma = \sqrt{\text{var} + \epsilon}$. A bias of the convolution is
# part of $z$, so it is scaled as the mean is. Groups change nothing: the factor belongs to the output channel.

# %%
def fold_one(conv, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # (out,)
    own = 0 if conv.bias is None else conv.bias
    weight = conv.weight * scale.view(-1, 1, 1, 1)
    return weight, norm.bias + (own - norm.running_mean) * scale


check("15.4", fold_one)

# %% [markdown]
# ## Quiz
#
# 1. Each layer has three anchors, and each anchor predicts 4 + 1 + 5 numbers: 3 · 10 = 30 filters. The nine of `num=9` are those of all three
#    layers together; `mask` says which three are meant.
# 2. Next to nothing about new pictures: every validation frame has a twin a fraction of a second away in training. Split by scene or by
#    day, never by frame, and measure again. And photograph more scenes, not more frames.
# 3. Nearly all cells are empty, so a net that says "nothing" everywhere has a small mean objectness loss. It is not
#    finished but has not begun: look at the loss of the cells that have a thing, or at AP. Balance and more positive cells help.
