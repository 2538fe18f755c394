# %% [markdown]
# # 12. A box for every thing, and a score you can trust: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 12.1: turn the boxes
#
# y becomes x as it is. The new y counts from the old right edge, and top and bottom come from x2 and x1: since x2 is the column behind the box, it is W - x2, not W - 1 - x2.

# %%
import math

import torch

from course_lib.teaching import check


def turn_boxes(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([y1, width - x2, y2, width - x1], dim=1)


check("12.1", turn_boxes)

# %% [markdown]
# ## Exercise 12.2: whose task is this box?
#
# The whole part of centre / stride is the cell, the rest the place in it. Only at the far edge does the whole part count one too many.

# %%
def cell_of(box, size, stride):
    x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
    row = min(int(y), math.ceil(size[0] / stride) - 1)
    column = min(int(x), math.ceil(size[1] / stride) - 1)
    return [row, column, x - column, y - row]


check("12.2", cell_of)

# %% [markdown]
# ## Exercise 12.3: average precision
#
# Each right detection adds a step of 1 / wanted to the recall; its height is the best precision from there on.

# %%
def average_precision(hits, wanted):
    right, precision = 0, []
    for seen, hit in enumerate(hits, start=1):
        right += hit
        precision.append(right / seen)
    steps = [max(precision[i:]) for i, hit in enumerate(hits) if hit]
    return sum(steps) / wanted


check("12.3", average_precision)

# %% [markdown]
# ## Quiz
#
# 1. NMS at 0.5 drops the weaker box: one person is never found, whatever the threshold of the score. Soft-NMS with sigma 0.5 multiplies its score by exp(-0.6² / 0.5) = 0.49: it comes
#    later in the list, but it comes. On such pictures AP is higher with soft-NMS. (The price: doubles of one person survive as well.)
# 2. Precision at the recalls reached before does not change, since the new boxes come last; those that hit by luck extend the curve to the right. So AP never falls by adding boxes at the end. But
#    nobody can use such a list as it is: AP judges the order of the boxes, not a threshold, and you must still choose one.
# 3. With one centre, an anchor w wide and 2.5 w high and a post 1 wide and 10 high share at most 2.5 w while w is between 1 and 4. The IoU 2.5 w / (10 + 2.5 w² - 2.5 w) is largest at w = 2: one third. Add a
#    ratio of 10, or keep the best anchor of every thing and let the offsets do the rest.
