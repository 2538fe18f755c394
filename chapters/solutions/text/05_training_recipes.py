# %% [markdown]
# # 05. Training recipes: the same net, another score: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 05.1: a masked mean
#
# Zeroing the void pixels and taking the mean of all would divide by too many; taking the mean of an empty selection gives NaN, and
# one NaN in a loss ruins every weight.

# %%
from course_lib.teaching import check


def masked_mean(losses, labels):
    kept = losses[labels != 255]
    return kept.sum() / max(1, len(kept))


check("05.1", masked_mean)

# %% [markdown]
# ## Exercise 05.2: a rate of your own
#
# Warm-up and schedule are two factors. The clamp is the `max`: without it the rate turns negative past the end, and a negative rate
# climbs uphill.

# %%
def rate(step, steps, lr, warmup):
    rising = 1 / 3 + 2 / 3 * step / warmup if step < warmup else 1.0
    return lr * rising * max(0.0, 1 - step / steps)


check("05.2", rate)

# %% [markdown]
# ## Exercise 05.3: half an audit
#
# Tensors are compared by identity. The other half of the audit, whether a gradient arrives, needs a pass through the net.

# %%
def left_out(net, groups):
    given = {id(p) for group in groups for p in group["params"]}
    return [name for name, p in net.named_parameters()
            if p.requires_grad and id(p) not in given]


check("05.3", left_out)

# %% [markdown]
# ## Quiz
#
# 1. There are four times as many pixels, so the gradient of a sum grows by four. Take the mean over the pixels that have a class, or divide
#    the learning rate by four.
# 2. Batch norm: its running averages still lean on their start after 40 steps. Give it population statistics and measure again.
# 3. The parameter audit: is every trainable tensor in exactly one group of the optimiser, and does a gradient reach it? A head left out
#    trains without any error.
