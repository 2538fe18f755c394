# %% [markdown]
# # 03. Upsampling: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 03.1: stamp
#
# Each number puts the whole kernel down, `stride` further right than the one before. `+=` adds where stamps overlap.

# %%
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def stamp(row, kernel, stride):
    out = torch.zeros((len(row) - 1) * stride + len(kernel))
    for i, value in enumerate(row):
        out[i * stride:i * stride + len(kernel)] += value * kernel
    return out


check("03.1", stamp)

# %% [markdown]
# ## Exercise 03.2: weights from the coarser net
#
# A name that is there with another shape is another layer: a score layer for other classes, for instance. It starts at zero
# like a new one. The copy matters: without it both nets would train one tensor.

# %%
def grow(finer, coarser):
    weights, new = {}, []
    for name, value in finer.items():
        if name in coarser and coarser[name].shape == value.shape:
            weights[name] = coarser[name].clone()
        else:
            weights[name] = torch.zeros_like(value)
            new.append(name)
    return weights, sorted(new)


check("03.2", grow)

# %% [markdown]
# ## Exercise 03.3: a defect, twice published
#
# With corners aligned, the hot cell in column 1 of 4 is centred on pixel 43.1 in place of 47.5; cells at the border are off by up to
# 15.5 pixels. With `align_corners=False` it is centred, yet two steps cut its peak from 0.97 to 0.56. Enlarging each map
# once and adding mends both. (Trained weights can make up for a part of a constant shift, which is why the defect went unnoticed.)

# %%
def fuse(coarse, fine, size):
    up = [F.interpolate(scores, size, mode="bilinear", align_corners=False)
          for scores in (coarse, fine)]
    return up[0] + up[1]


check("03.3", fuse)

# %% [markdown]
# ## Quiz
#
# 1. 9 x 9, since 2 · 5 - 1 = 9. Stamps lie 5 apart, so along one side at most two meet at a pixel: it feels two weights,
#    and where it lies on the middle of a cell only one.
# 2. No masts. The layer sees the same scores, one number a class for each square of 32 pixels, and no trace of the pixel at which the mast stood: what
#    falls between the samples is gone. It can learn what is usual in a square, and a checkerboard.
# 3. At step 0 the outputs are those of FCN-32s plus noise: what it knew is disturbed before it is used. As for gradients, the
#    random skip sends (random) ones back into the body from the first step; the zero skip sends none at first, but gets its own,
#    since its input is not zero, and has moved after one step.
