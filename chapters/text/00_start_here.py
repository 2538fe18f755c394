# %% [markdown]
# # 00. Start here: a harbour you can turn
#
# Every claim of this course is an experiment with a dial on it. In a quarter of an hour you check that all works on your machine,
# turn your first dial, and solve your first exercises.
#
# ## What you will be able to do
#
# - check that the course works on your machine
# - read a chapter: predict, run, change
# - open a picture of the harbour and its labels, and say what the numbers mean
# - tell which printed numbers must agree with ours and which may differ
#
# ## Before you start
#
# You need no other chapter; Python functions and loops are enough. About 15 minutes; the cells run in about 15 seconds
# on a CPU.
#
# The first code cell is the same in every chapter. It finds the course's library (or fetches it, on Colab) and makes
# the notebook repeatable. It says nothing when all is well. Run it with **Shift + Enter**, like every cell below.

# %%
# setup

# %% [markdown]
# ## The question
#
# What is in this picture, and *where*? Here is a harbour, and beside it the answer we want from a machine: a **label**
# for every single pixel.

# %%
from course_lib.data.harbour import Harbour
from course_lib.show import explore, pictures, show
from course_lib.teaching import check, claim

harbour = Harbour("train", size=(192, 256))  # height, width in pixels
image, labels = harbour[0]

# %%
show(pictures([image, labels], ["what the machine sees", "what it should say"],
              classes=harbour.classes),
     alt="A drawn harbour with boats, people and cars, and next to it the "
         "same scene with every pixel in the colour of its class.",
     data=labels)

# %% [markdown]
# Sky, water, road: large areas, few mistakes to fear. Now look at the masts. They are thin lines, and we come to the
# first surprise of the field. Imagine a machine that gets *every* pixel right, except that it has never heard of masts.
# How many per cent of the pixels does it get right? Make a guess before you run the next cell.

# %%
mast = harbour.classes.index("mast")
right = (labels != mast).float().mean().item()
print(f"{right:.1%} of the pixels are right, and every mast is missed")

# %% [markdown]
# A fine mark for a machine that would sail into every mast. Whether a number tells the truth is asked again and again in
# this course, and the way to find out is always the same: turn a dial and watch.

# %% [markdown]
# ## 1. Predict, run, change
#
# That is how to read these chapters. **Predict** what a cell will give. **Run** it. **Change** one value and run it
# again. Whoever predicts first remembers more, above all when the guess was wrong.
#
# A picture is a **tensor**, a block of numbers: colours x height x width. The harbour above is 192 pixels high and 256
# wide. Which three numbers will this print?

# %%
tuple(image.shape)  # (colours, height, width)

# %% [markdown]
# Three colours (red, green, blue), then height, then width. Labels have no colours, so they are height x width, and each
# of their numbers is the **id** of a class:

# %%
assert labels.shape == image.shape[1:]
for class_id in labels.unique().tolist()[:5]:
    print(class_id, harbour.classes.names[class_id])

# %% [markdown]
# **Try it.** The harbour has dials. `thin` is the width of masts, lamp posts and railings, in pixels. Where in the
# label picture will you see it most? Say it first, then look at the row below; with a running notebook, move the slider.

# %%
def with_thin(thin):
    """The same corner of the harbour, with poles of another width."""
    image, labels = Harbour("train", size=(192, 256), thin=thin)[0]
    return pictures([image, labels], columns=1, classes=harbour.classes)


explore(with_thin, thin=(1, 8),
        alt="The same harbour with masts and lamp posts of 1, 4 and 8 pixels: "
            "nothing else moves.")

# %% [markdown]
# Only the poles grow. Boats, houses and people stand where they stood: a dial changes one thing and leaves the rest
# alone, so whatever a machine does differently, *this* was the reason. Let us turn the same dial under our machine that
# knows no masts, over twenty pictures.

# %%
def missed(thin):
    """Share of the pixels that are mast, over 20 pictures."""
    small = Harbour("train", count=20, thin=thin)  # 96 x 128 pixels
    shares = [(labels == mast).float().mean() for _, labels in small]
    return sum(shares).item() / len(small)


for thin in (1, 2, 4, 8):
    print(f"masts of {thin} px: {1 - missed(thin):.1%} of the pixels right")

# %% [markdown]
# The machine is the same, and so is its mistake: it misses all masts. Only the mark changes with the width. A mark that
# hides the thin things is no use for finding out about thin things; chapter 01 builds a better one.

# %% [markdown]
# ## 2. What may differ on your machine
#
# Drawn pictures, shapes and counts are **exact**: your numbers are ours, digit for digit. Random numbers are exact too,
# because the first cell has set their **seed**.

# %%
import torch

torch.manual_seed(0)
dice = torch.randint(1, 7, (8,))  # eight throws
dice.tolist()

# %% [markdown]
# Did you get the same eight throws as printed here? You should, each time you run the cell. What is **not** exact is a
# long sum of fractions: a computer rounds after each step, so the order matters.

# %%
print((0.1 + 0.2) + 0.3 == 0.1 + (0.2 + 0.3))
print(abs((0.1 + 0.2) + 0.3 - (0.1 + (0.2 + 0.3))) < 1e-15)

# %% [markdown]
# The same three numbers, another order, another last digit. Training a net is millions of such sums, and processors
# differ in their order. Scores of trained nets therefore differ a little from machine to machine. Where a chapter depends on one,
# it does not print the digits; it states a **claim** with room to spare:

# %%
claim("share of right pixels with masts of 8 px", 1 - missed(8), at_least=0.9)

# %% [markdown]
# If a claim does not hold, the cell stops with an error that names the value. Times differ most of all, and so do the last
# shades of a figure. On a graphics card (GPU) the same cells run; you change nothing.
#
# One more thing to check: is your machine quick enough for the course? The harbour is drawn while you wait.

# %%
import time

start = time.perf_counter()
drawn = [Harbour("train")[i] for i in range(20)]
seconds = time.perf_counter() - start
claim("harbour pictures drawn in a second", 20 / seconds, at_least=2, digits=0)

# %% [markdown]
# ## A common mistake
#
# How many classes are there? The ids count from 0, so the largest id plus one, it seems:

# %%
int(labels.max()) + 1

# %% [markdown]
# There are not 256 classes. The id 255 means **void**: "nobody knows, do not count this pixel". In the label picture it
# is the pale line around boats, cars and people, where a pixel holds a little of both sides. The class table knows the real number:

# %%
harbour.classes.num_classes

# %% [markdown]
# Whoever forgets void builds a net with 256 outputs, or counts pixels that have no answer. Our own shares of mast above
# did the second: void pixels were among "all pixels". You can mend that now.

# %% [markdown]
# ## Exercises
#
# ### Exercise 00.1: the share of a class
#
# Write a function that gives the share of pixels of one class **among the pixels that are not void**. `labels` is a
# tensor of ids, height x width, with 255 for void; the answer is a number from 0 to 1. For the labels
#
# ```text
# 9   9   255
# 0   0   0
# ```
#
# and class 9 it is 2 of 5 pixels: 0.4. Two lines are enough. Replace the `raise` line, run the cell, then the check.
#
# <details><summary>First step</summary>
#
# `labels != 255` is a tensor of yes and no. In square brackets it picks: `labels[labels != 255]` are the pixels that count.
#
# </details>
# <details><summary>Second step</summary>
#
# Compare those with `class_id`. The share of yes is the mean, `.float().mean()`, and `.item()` makes a plain number of it.
#
# </details>

# %%
def share_of_class(labels, class_id):
    raise NotImplementedError

# %%
check("00.1", share_of_class)

# %% [markdown]
# The check says one of three things: *not attempted yet*; *not yet*, with an input that went wrong; or *correct*.
#
# ### Exercise 00.2: what is to be seen
#
# Which classes occur in a label picture? Return their **names** in the order of the ids, as a list. `names` is the tuple of all
# names, so the id is the place in it. Void is no class. With the names `("sky", "water", "road")` the labels
#
# ```text
# 2   2   255
# 0   0   2
# ```
#
# give `["sky", "road"]`.
#
# <details><summary>First step</summary>
#
# `labels.unique().tolist()` are the ids that occur, in order. You have seen it in section 1.
#
# </details>
# <details><summary>Second step</summary>
#
# One of them may be 255, and `names[255]` is an error. Leave it out: `[... for i in ids if i != 255]`.
#
# </details>

# %%
def classes_in(labels, names):
    raise NotImplementedError

# %%
check("00.2", classes_in)

# %% [markdown]
# ### Exercise 00.3: how high does it reach
#
# Rows count from the top, and the first is row 0. Return the row in which a class is first met on the way down, as an `int`,
# or `None` where the class does not occur. In the labels of Exercise 00.2, class 2 is met in row 0 and class 0 in row 1.
#
# <details><summary>First step</summary>
#
# `(labels == class_id).any(dim=1)` asks each row whether the class is somewhere in it: one yes or no a row.
#
# </details>
# <details><summary>Second step</summary>
#
# `.nonzero()` of that lists the rows that say yes, from the top. Its length is 0 where none does.
#
# </details>

# %%
def first_row(labels, class_id):
    raise NotImplementedError

# %%
check("00.3", first_row)

# %% [markdown]
# Stuck? The
# [solutions](solutions/00_start_here.ipynb) are there to be read. `python -m course_lib progress`, in a terminal, lists
# what you have solved in your copy of the chapters.

# %% [markdown]
# ## Quiz
#
# 1. A picture of shape (3, 480, 360): how wide is it?
# 2. A chapter prints `12 classes` and you see `13`. Another says "IoU of boat is at least 0.70: yes" and your own measurement
#    gives 0.73 where a friend's gives 0.75. Which of the two needs looking into?
# 3. Why does the machine that knows no masts lose marks when `thin` grows, though it makes the same mistake?
#
# ## What you learned
#
# - You have checked that the course works on your machine.
# - You can read a chapter: predict, run, change one value.
# - You opened a picture of the harbour, (3, H, W), with its labels, (H, W): the numbers are class ids, and 255 is void.
# - You can tell which printed numbers must agree with ours (shapes, counts, drawn pictures) and which may differ
#   (trained scores, times): those stand in a `claim`.
#
# New in your hands: `Harbour`, `pictures`, `show`, `explore`, `claim`, `check`.
#
# ## Read more
#
# - Everingham et al., [The PASCAL Visual Object Classes Challenge](https://doi.org/10.1007/s11263-009-0275-4), IJCV 2010:
#   where the void line around objects comes from.
# - Goldberg, [What every computer scientist should know about floating-point
#   arithmetic](https://doi.org/10.1145/103162.103163), 1991: why the order of a sum matters, in full.
