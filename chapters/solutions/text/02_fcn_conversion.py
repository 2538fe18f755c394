# %% [markdown]
# # 02. A classifier already knows where: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 02.1: how many cells?
#
# With padding on both sides the layer sees `n + 2 * padding` pixels. The kernel stands at the first place and may move on as
# often as a whole stride fits into what is left; `//` rounds down. What comes out is the `n` of the next layer.

# %%
from course_lib.teaching import check


def output_size(n, layers):
    for kernel, stride, padding in layers:
        n = (n + 2 * padding - kernel) // stride + 1
    return n


check("02.1", output_size)

# %% [markdown]
# ## Exercise 02.2: a class activation map
#
# One row of weights, stretched to (C, 1, 1), weighs the channels; the sum over the channels leaves (h, w).

# %%
def activation_map(features, weight, bias, class_id):
    weighed = weight[class_id].view(-1, 1, 1) * features  # (C, h, w)
    return weighed.sum(dim=0) + bias[class_id]  # (h, w)


check("02.2", activation_map)

# %% [markdown]
# ## Exercise 02.3: any size
#
# `-30 % 32` is 2, the distance up to the next multiple, and `-64 % 32` is 0. Whoever writes `32 - 64 % 32` adds a whole 32
# where nothing is missing.

# %%
import torch.nn.functional as F


def pad_to(image, multiple):
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % multiple, 0, -height % multiple))


check("02.3", pad_to)

# %% [markdown]
# ## Quiz
#
# 1. 126. Each side has n / 32 - 6 cells: 640 / 32 - 6 = 14 columns and 480 / 32 - 6 = 9 rows.
# 2. Whether B pads its convolutions. If it does, a cut-out window sees zeros at its border where the whole picture has
#    neighbours, and the two must differ. Without padding, a difference in the second digit is a bug.
# 3. That a larger receptive field lets each answer see more, while the answers stay 32 pixels apart. A mast of 2 pixels covers
#    a sixteenth of such a square. What is missing is a finer map: a smaller stride, or a way back to the finer maps inside
#    the net (chapters 03 and 06).
