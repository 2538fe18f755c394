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
    return filters * (4 if norm else 1) + filters * channels // groups * size**2


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
