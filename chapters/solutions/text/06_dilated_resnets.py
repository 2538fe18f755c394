# %% [markdown]
# # 06. Dilated ResNets: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 06.1: are there holes?
#
# The stack sees from `-sum(dilations)` to `sum(dilations)`. If fewer numbers are seen than lie there, some are left out.

# %%
from course_lib.teaching import check


def has_holes(dilations):
    seen = {0}
    for d in dilations:
        seen = {at + step for at in seen for step in (-d, 0, d)}
    return len(seen) < 2 * sum(dilations) + 1


check("06.1", has_holes)

# %% [markdown]
# ## Exercise 06.2: find the mistake
#
# The convolution that *had* the stride was dilated as well. It comes before the new cells are made: its neighbours are as far
# apart as they always were. So it keeps `before`, and only the others take twice that. Whoever overwrites the stride first
# cannot tell them apart any more.

# %%
from torch import nn


def dilate_stage(stage, before):
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d):
            d = before if layer.stride == (2, 2) else 2 * before
            layer.stride = (1, 1)
            if layer.kernel_size == (3, 3):
                layer.dilation = layer.padding = (d, d)


check("06.2", dilate_stage)

# %% [markdown]
# ## Exercise 06.3: plan a surgery
#
# What a part may not keep of its stride, the dilation takes over, for this part and for all behind it.

# %%
def plan(strides, output_stride):
    pairs, stride, dilation = [], 1, 1
    for own in strides:
        if stride * own <= output_stride:
            stride *= own
            pairs.append((own, dilation))
        else:
            dilation *= own
            pairs.append((1, dilation))
    return pairs


check("06.3", plan)

# %% [markdown]
# ## Quiz
#
# 1. 60 x 80: four times as many cells on each side. No weight came in.
# 2. 1 + 2 + 4 + 8 = 15 to each side, 31 in all, and no holes: before each layer the others have filled 1, 3, 7 and 15 numbers,
#    never fewer than the next dilation.
# 3. The maps at the old cells, before and after the surgery, on one picture, stage by stage. If they differ, a dilation is
#    missing or is in the wrong convolution. If they are equal, look at the loading of the weights.
