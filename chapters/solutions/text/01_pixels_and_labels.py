# %% [markdown]
# # 01. Pixels and labels: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 01.1: pad a pair
#
# Full-size tensors first, black and void, then the old numbers into the upper left corner. `new_zeros` and `new_full`
# keep the `dtype` of the tensor they are called on.

# %%
from course_lib.teaching import check


def pad_pair(image, labels, height, width):
    h, w = labels.shape
    new_image = image.new_zeros(3, height, width)  # black
    new_image[:, :h, :w] = image
    new_labels = labels.new_full((height, width), 255)  # void
    new_labels[:h, :w] = labels
    return new_image, new_labels


check("01.1", pad_pair)

# %% [markdown]
# ## Exercise 01.2: IoU from the matrix
#
# Row sum: pixels that are of the class. Column sum: pixels that were answered so. What is in both has been counted twice.

# %%
def class_iou(matrix):
    both = matrix.diagonal()  # (C,)
    either = matrix.sum(dim=1) + matrix.sum(dim=0) - both  # (C,)
    return both / either  # 0 / 0 is nan


check("01.2", class_iou)

# %% [markdown]
# ## Exercise 01.3: find the mistake
#
# `.long()` cuts the logits 0.2 and 0.7 down to 0 and 0; in a tie the lowest class wins, so nearly everything becomes
# class 0. And void pixels stood in the mean, where no answer can be right.

# %%
def pixel_accuracy(logits, labels):
    answer = logits.argmax(dim=0)  # (H, W)
    known = labels != 255
    return (answer == labels)[known].float().mean().item()


check("01.3", pixel_accuracy)

# %% [markdown]
# ## Exercise 01.4: draw run lengths
#
# The row of pixels is column after column, so it is a picture of `width` rows turned on its side. `(height, width)` without
# the turn would be right for a row-by-row format, and wrong for COCO.

# %%
import torch


def draw_runs(runs, height, width):
    pixels, inside = [], 0
    for run in runs:
        pixels += [inside] * run  # a run of 0 adds nothing
        inside = 1 - inside
    return torch.tensor(pixels).view(width, height).T


check("01.4", draw_runs)

# %% [markdown]
# ## Quiz
#
# 1. Id 2. The highest bit of green is the second lowest bit of the id; all other bits are 0.
# 2. B is better on rare or thin classes, and pays with a few pixels of the large ones: each class has one vote in the mean
#    IoU. Before B steers the boat, look at the IoU of the class that matters, the buoys; a mean can still hide it.
# 3. It has seen 545 of them. You may mark it on the other 904, which is the validation set of the second split, RV-VOC12; or
#    on 346, if SBD's validation list was used as well.
