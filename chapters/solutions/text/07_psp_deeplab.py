# %% [markdown]
# # 07. Context: the same hull is a boat on water and a car on a road: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 07.1: a pyramid without weights
#
# The list begins with the map itself. `align_corners` stays False: cells are squares, and their centres are what is interpolated.

# %%
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def pyramid(x, bins):
    parts = [x]
    for count in bins:
        level = F.adaptive_avg_pool2d(x, count)  # (B, C, count, count)
        parts.append(F.interpolate(level, x.shape[-2:], mode="bilinear"))
    return torch.cat(parts, dim=1)


check("07.1", pyramid)

# %% [markdown]
# ## Exercise 07.2: what is left of nine taps
#
# On one axis a cell has 1 + 2 (size - rate) / size taps on average, and never less than 1. The axes are independent, so the mean over all
# cells is the square of that.

# %%
def valid_share(size, rate):
    one_axis = 1 + 2 * max(0, size - rate) / size
    return one_axis**2 / 9


check("07.2", valid_share)

# %% [markdown]
# ## Exercise 07.3: how far do they see?
#
# Side by side the largest rate decides; in a row the reaches add up.

# %%
def cells_seen(rates, in_a_row):
    reach = sum(rates) if in_a_row else max(rates)
    return 2 * reach + 1


check("07.3", cells_seen)

# %% [markdown]
# ## Quiz
#
# 1. The map has 256 / 8 = 32 cells on a side. Rate 36 is larger than that: an exact 1x1 convolution. Rate 24 keeps (1 + 2 · 8/32)² = 2.25 of nine
#    taps on average, rate 12 keeps (1 + 2 · 20/32)² = 5.1. Better rates for this map are about half as large.
# 2. The 1. With one bin and one picture, batch norm has a single number for each channel. Leave the incomplete batch out
#    (`drop_last=True`), or choose a batch size that leaves more than one picture over. (More than two, if image pooling is to tell anything.)
# 3. Move a boat onto the road, as in *The question*, and look at the answer. If it changes with the place, the net uses the
#    surroundings already, and the mistakes have another reason.
