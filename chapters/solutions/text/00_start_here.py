# %% [markdown]
# # 00. Start here: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 00.1: the share of a class
#
# Keep the pixels that are not void, then ask how many of them are of the class. `.float().mean()` of a tensor of
# yes and no is the share of yes.

# %%
from course_lib.teaching import check


def share_of_class(labels, class_id):
    known = labels[labels != 255]  # a row of the pixels that count
    return (known == class_id).float().mean().item()


check("00.1", share_of_class)

# %% [markdown]
# ## Exercise 00.2: what is to be seen
#
# The ids that occur, in order, without void, each turned into its name.

# %%
def classes_in(labels, names):
    return [names[i] for i in labels.unique().tolist() if i != 255]


check("00.2", classes_in)

# %% [markdown]
# ## Exercise 00.3: how high does it reach
#
# `any` along the columns leaves one yes or no a row; the first yes is the answer.

# %%
def first_row(labels, class_id):
    rows = (labels == class_id).any(dim=1).nonzero()
    return rows[0].item() if len(rows) else None


check("00.3", first_row)

# %% [markdown]
# ## Quiz
#
# 1. 360 pixels. The order is colours, height, width.
# 2. The classes. A count is exact, so 13 means that something is not as it should be. Trained scores may differ between
#    machines, and both keep the claim.
# 3. The mark counts pixels, and thicker masts have more of them. The mistake stayed the same, its weight did not.
