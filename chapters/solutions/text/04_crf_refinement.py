# %% [markdown]
# # 04. The net says what, the picture says where: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 04.1: the price of a labelling
#
# The comparison of all labels with all labels has every pair twice and no pixel with itself, so half of its sum is each pair once.

# %%
import torch

from course_lib.teaching import check


def energy_of(labels, unary, k, w):
    costs = unary[labels, torch.arange(len(labels))].sum()
    different = labels[:, None] != labels  # (N, N)
    return costs + w * (k * different).sum() / 2


check("04.1", energy_of)

# %% [markdown]
# ## Exercise 04.2: one round
#
# Three things in a row: listen (`q @ k`), value what was heard (`compat @`), become a distribution again.

# %%
def one_round(q, unary, k, compat):
    heard = q @ k  # (C, N)
    return (compat @ heard - unary).softmax(dim=0)


check("04.2", one_round)

# %% [markdown]
# ## Exercise 04.3: learn the weights
#
# The gradient goes back through three updates. Nothing else is new: a loss, an optimiser, a loop.

# %%
import torch.nn.functional as F

from course_lib.crf import mean_field


def learn_compat(image, probabilities, labels, steps):
    num_classes = len(probabilities)
    compat = torch.zeros(num_classes, num_classes, requires_grad=True)
    optimiser = torch.optim.Adam([compat], lr=0.3)
    for _ in range(steps):
        q = mean_field(image, probabilities, gaussian_sxy=1,
                       gaussian_compat=0.0, bilateral_sxy=5,
                       bilateral_srgb=20, bilateral_compat=compat,
                       iterations=3)
        loss = F.nll_loss(q.clamp(1e-8).log()[None], labels[None],
                          ignore_index=255)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return compat.detach()


check("04.3", learn_compat)

# %% [markdown]
# ## Quiz
#
# 1. By $\log 0.6 - \log 0.4 = \log 1.5$, about 0.41. That is little beside a weight of 10, and the reason why an unsure net is
#    overruled so easily.
# 2. `gaussian_sxy` and `bilateral_sxy` are in pixels and double. The colours stay as they are. So do the weights, thanks to the
#    normalisation: twice as many lookalikes in each direction do not vote four times as loud.
# 3. `bilateral_sxy`, the reach: within 80 pixels a vessel has many more dark pixels of background than of its own. And
#    `bilateral_compat`, the weight. But look is not enough: score a few settings on validation pictures, with the IoU of vessels, and be ready to
#    hear that no CRF is best. (`bilateral_srgb` is a good answer, too, where vessel and background differ at all: dark on dark, there is
#    little left to be strict about.)
