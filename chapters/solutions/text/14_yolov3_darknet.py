# %% [markdown]
# # 14. YOLOv3: a detector in two files, read to the last byte: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 14.1: how many floats?
#
# The values of a cfg are text, so `"0"` counts as true in Python; it must become a number first. With batch norm there are four numbers for a filter besides its
# kernel (bias, scale, mean, variance), without it one. With groups, a filter sees only its own share of the channels.

# %%
import torch

from course_lib.teaching import check


def floats_of(section, channels):
    filters, size = int(section["filters"]), int(section["size"])
    groups = int(section.get("groups", 1))
    norm = int(section.get("batch_normalize", 0))
    kernel = channels // groups * size**2
    return filters * ((4 if norm else 1) + kernel)


check("14.1", floats_of)

# %% [markdown]
# ## Exercise 14.2: boxes back to the picture
#
# First take the margins off, then undo the scale. The longer side decides the scale; the other one has the margins.

# %%
def boxes_back(boxes, height, width, size):
    scale = size / max(height, width)
    left, top = (size - width * scale) / 2, (size - height * scale) / 2
    return (boxes - torch.tensor([left, top, left, top])) / scale


check("14.2", boxes_back)

# %% [markdown]
# ## Exercise 14.3: centres, all at once
#
# `meshgrid` gives every cell its column and its row. The sigmoid is stretched about its middle before the cell is added.

# %%
def centres(t, stride, scale_x_y):
    _, h, w = t.shape
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    inside = t.sigmoid() * scale_x_y - (scale_x_y - 1) / 2
    return (inside + torch.stack([x, y])) * stride  # (2, h, w)


check("14.3", centres)

# %% [markdown]
# ## Exercise 14.4: every class that is sure enough
#
# `nonzero` gives a line for each pair of row and class above the threshold, so a box of two classes stands in two lines.

# %%
def answers(rows, threshold):
    scores = rows[:, 4:5] * rows[:, 5:]  # (N, C)
    row, column = (scores > threshold).nonzero(as_tuple=True)
    centre, half = rows[row, :2], rows[row, 2:4] / 2
    boxes = torch.cat([centre - half, centre + half], dim=1)
    return boxes, column + 1, scores[row, column]


check("14.4", answers)

# %% [markdown]
# ## Quiz
#
# 1. The header was cut too early and the last float dropped; or the cfg is another one with the same count; or biases and scales were exchanged; or the file is right and the picture came in 0 to 255, or as
#    BGR. Look at the variances first: one below zero, and the reading is wrong. If all are positive, feed a picture whose answer is known, and compare with another program layer by layer: the first layer that
#    differs names the mistake. If layer 0 differs already, it is the picture.
# 2. Neither. Letterboxed, the panorama becomes 416 x 52 pixels, a tenth of its size. Stretched, it keeps more of its height and is squeezed eight times. Give the net an input of the picture's shape, such as
#    2048 x 256 pixels (multiples of 32), or cut the panorama into overlapping tiles.
# 3. 3 x 52 x 52 = 8,112 boxes, three quarters of all. The anchors there are at most 33 pixels wide, so a box of 300 pixels needs $e^t = 9$; in training such a box was given to the anchor that fits best, 373 x 326 on the
#    coarsest map, and the fine map has learnt to say nothing there.
