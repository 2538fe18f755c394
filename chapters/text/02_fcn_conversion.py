# %% [markdown]
# # 02. A classifier already knows where
#
# A net that says *what* is in a picture can say it at every place of a picture, in one pass and without learning
# anything new. You move a classifier's weights, watch the map appear, and find out for which objects it is too coarse.
#
# ## What you will be able to do
#
# - turn a fully connected layer into a convolution by moving its weights
# - run a classifier over a whole picture in one pass, and say when that equals a sliding window
# - compute the size of a map, its stride and the receptive field of a cell, by arithmetic and by gradient
# - read a class activation map
# - train an FCN-32s with a new score layer, and measure for which objects a stride of 32 is too coarse
#
# ## Before you start
#
# You need chapters 00 and 01, and you should have met convolution and pooling before. About 60 minutes; the cells run
# in about 40 seconds on a CPU.

# %%
# setup

# %% [markdown]
# ## The question
#
# A classifier looks at a window of fixed size and says one word. Segmentation wants a word for every pixel. The
# cheapest way from one to the other: cut the picture into squares, and let each square have one word.
#
# How good can that be? We need no classifier to find out. Take the true labels and give every square of 32 x 32 pixels
# the word that most of its pixels have. No classifier can do better with one word a square.

# %%
import time

import torch
import torch.nn.functional as F
from torch import nn

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.show import explore, pictures, show
from course_lib.teaching import check, claim

world = course_lib.world("harbour")  # or "real"

# %% [markdown]
# **Try it.** `thin` is the width of masts, lamp posts and railings. Before you turn it: at which width will a square
# first say *mast*?

# %%
def best_squares(labels, side=32):
    """The commonest class of every square; void has no vote."""
    votes = F.one_hot(torch.as_tensor(labels).clamp(max=12), 13)[..., :12]
    votes = votes.permute(2, 0, 1).float()  # (12, H, W)
    ids = F.avg_pool2d(votes, side).argmax(0)  # (H/32, W/32)
    return ids.repeat_interleave(side, 0).repeat_interleave(side, 1)


def one_word_a_square(thin):
    labels = Harbour("test", size=(192, 256), thin=thin)[6][1]
    fig = pictures([labels, best_squares(labels)], columns=1,
                   classes=Harbour.classes)
    fig.set_size_inches(fig.get_size_inches() * 0.75)
    return fig


explore(one_word_a_square, thin=(1, 8), largest=60_000,
        alt="A label picture with masts of 1, 4 and 8 pixels; below it the "
            "commonest class of every 32-pixel square: none says mast.")

# %% [markdown]
# Sky, water, road and houses survive as blocks. No square says *mast*, at any width; from 4 pixels on, a lamp post and
# its railing win one square together. Let us count over fifty pictures with poles of 2 pixels.

# %%
mast = Harbour.classes.index("mast")
truths = [Harbour("test", size=(192, 256))[i][1] for i in range(50)]
squares = [best_squares(labels) for labels in truths]
print("pictures with a mast:", sum((t == mast).any().item() for t in truths))
print("of their squares, too:", sum((s == mast).any().item() for s in squares))

# %% [markdown]
# So there are two questions. How do we get a word for every square, and in the end for every pixel, without running the
# classifier thousands of times? And when thin things are lost, is it the fault of the net or of the squares? Sections 1
# to 6 answer the first, the failure curve the second.

# %% [markdown]
# ## 1. One layer, written in two ways
#
# A classifier such as VGG-16 has two parts. Convolutions turn the window into a small map. Then **fully connected**
# layers flatten the map and take weighted sums of all its numbers. The flattening nails the net to one size.
#
# The smallest case: a map of 2 x 2 numbers, one channel, and a layer with two outputs. The first adds up the diagonal,
# the second everything. Beside it, the same weights as a convolution: each row of weights is folded into a square, the
# way the window was unfolded.

# %%
window = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
weight = torch.tensor([[1.0, 0.0, 0.0, 1.0],
                       [1.0, 1.0, 1.0, 1.0]])  # (2 outputs, 4 inputs)
by_layer = weight @ window.flatten()  # (2,)
kernels = weight.view(2, 1, 2, 2)  # (2 outputs, 1 channel, 2, 2)
by_convolution = F.conv2d(window.view(1, 1, 2, 2), kernels)  # (1, 2, 1, 1)
assert torch.equal(by_convolution.flatten(), by_layer)
by_layer

# %% [markdown]
# 1 + 4 = 5 and 1 + 2 + 3 + 4 = 10, both ways. No weight has changed. What we gain shows when the map is one column
# wider. The layer refuses it; the convolution moves on by one and answers twice.

# %%
wider = torch.tensor([[1.0, 2.0, 5.0],
                      [3.0, 4.0, 6.0]])
F.conv2d(wider.view(1, 1, 2, 3), kernels)[0]  # (2 outputs, 1, 2)

# %% [markdown]
# The left column is the old answer, 5 and 10. The right one is what the layer would have said about the window with 2, 5
# above 4, 6: 2 + 6 = 8 on the diagonal, and 17 in all.
#
# > **Keep this picture.** A fully connected layer *is* a convolution that has had room for one step only.
#
# VGG-16 flattens 512 channels of 7 x 7 into its layer *fc6* with 4,096 outputs. The library folds it the same way. We put
# VGG-16 on the device `meta`, where tensors have shapes but no numbers: its weights would take half a gigabyte.

# %%
from torchvision.models import vgg16

from course_lib.models.dense import linear_to_conv

with torch.device("meta"):
    big = vgg16()
print(f"VGG-16 has {sum(p.numel() for p in big.parameters()):,} weights")
fc6 = linear_to_conv(big.classifier[0], channels=512, size=7)
print(f"fc6 as a convolution: {tuple(fc6.weight.shape)}")
assert fc6.weight.numel() == 512 * 7 * 7 * 4096 == 102_760_448

# %% [markdown]
# Three quarters of VGG-16 sit in that one layer. For numbers we take a light sister: the same 13 convolutions and 5
# poolings, an eighth of the channels, random weights. What is equal with random weights is equal with any.

# %%
from torchvision.models.vgg import make_layers

torch.manual_seed(0)
features = make_layers([8, 8, "M", 16, 16, "M", 32, 32, 32, "M",
                        64, 64, 64, "M", 64, 64, 64, "M"])
for layer in features:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
fc6, fc7 = nn.Linear(64 * 7 * 7, 128), nn.Linear(128, 10)
classifier = nn.Sequential(features, nn.Flatten(), fc6, nn.ReLU(), fc7)
dense = nn.Sequential(features, linear_to_conv(fc6, 64, 7), nn.ReLU(),
                      linear_to_conv(fc7, 128, 1))

# %% [markdown]
# Where fc6 has left one cell, *fc7* needs a kernel of 1 x 1 only. Both nets now look at the same crop of 224 x 224 pixels,
# the size VGG was made for.

# %%
picture, _ = world.dataset("test", size=(384, 512))[0]
image = normalise(picture)  # (3, 384, 512)
crop = image[None, :, 80:304, 144:368]  # (1, 3, 224, 224)
with torch.no_grad():
    once, as_map = classifier(crop), dense(crop)
torch.testing.assert_close(once, as_map[..., 0, 0], atol=1e-5, rtol=0)
print(tuple(once.shape), "and", tuple(as_map.shape), "hold the same numbers")

# %% [markdown]
# The same numbers, but the dense net has two more axes: a map of 1 x 1 cell. Larger pictures will give larger maps.

# %% [markdown]
# ## 2. One pass or many windows
#
# Now there are two ways to classify every window of a large picture. **Sliding window**: cut out, classify, move on by one
# stride, again. **One pass**: give the whole picture to the dense net. Do they agree?
#
# First a net without any padding. Its window of 22 pixels shrinks to 20, 10, 8 and 4 on its way, and after two poolings by
# 2 a cell of the map is 4 pixels from the next.

# %%
from course_lib.models.dense import slide

valid = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2),
                      nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2))
fc = nn.Linear(16 * 4 * 4, 10)
valid_classifier = nn.Sequential(valid, nn.Flatten(), fc)
valid_dense = nn.Sequential(valid, linear_to_conv(fc, 16, 4))


@torch.no_grad()
def both_ways(classifier, dense, image, size, stride):
    """Answers window by window, answers in one pass, ratio of CPU times."""
    start = time.process_time()
    windows = slide(classifier, image, size, stride)  # (K, h, w)
    slow, quick = time.process_time() - start, []
    for _ in range(3):  # the quickest of three
        start = time.process_time()
        one_pass = dense(image[None])[0]  # (K, h, w)
        quick.append(time.process_time() - start)
    return windows, one_pass, slow / min(quick)

# %%
small = image[:, ::2, ::2].contiguous()  # (3, 192, 256)
windows, one_pass, ratio = both_ways(valid_classifier, valid_dense, small,
                                     size=22, stride=4)
torch.testing.assert_close(one_pass, windows, atol=1e-5, rtol=0)
print(windows[0].numel(), "windows,", tuple(one_pass.shape), "answers, equal")
claim("speed-up by one pass", ratio, at_least=8, digits=0)

# %% [markdown]
# Equal at all 43 x 59 places, up to the rounding of the last digit. One pass is faster because windows overlap: each pixel
# lies in (22 / 4)² or about 30 of them, and the sliding window works on it 30 times. Nothing is approximate here: the map
# of a padding-free net *is* the sliding window.
#
# VGG pads every convolution with zeros. Its light sister slides over the 384 x 512 picture, window 224, stride 32:

# %%
windows, one_pass, ratio = both_ways(classifier, dense, image, 224, 32)
assert windows.shape == one_pass.shape == (10, 6, 10)
claim("speed-up by one pass", ratio, at_least=4, digits=0)
claim("largest difference", (windows - one_pass).abs().max(), at_least=0.02)

# %% [markdown]
# Faster again, but no longer equal. Who is right? Both are; they look at different things. Compare the 7 x 7 map of *one*
# window with the same 49 cells of the whole picture's map.

# %%
y, x = 2 * 32, 4 * 32  # the window's top left corner, on the stride grid
with torch.no_grad():
    alone = features(image[None, :, y:y + 224, x:x + 224])[0]  # (64, 7, 7)
    within = features(image[None])[0][:, 2:9, 4:11]  # (64, 7, 7)
difference = (alone - within).abs().mean(0)  # (7, 7)
fig = pictures([picture[:, y:y + 224, x:x + 224], difference],
               ["one window of 224 px", "where its map differs"])
fig.set_size_inches(fig.get_size_inches() * 0.6)
show(fig, alt="A window of the picture and a 7 x 7 map of differences: large "
              "along the border, small inside, zero in the middle cell.",
     largest=30_000)
differs = difference > 1e-5  # more than rounding
print(int(differs.sum()), "of 49 cells differ; the middle one:",
      differs[3, 3].item())

# %% [markdown]
# The border is bright. When the window is cut out, the convolutions at its rim see zeros; within the picture they see
# neighbours. Through 13 padded convolutions the zeros reach far in, and only the cell in the very middle is untouched.
#
# So a padded net in one pass is *not* a sliding window. It is a little better off: all cells but those near the rim of the
# picture see real surroundings where the window had zeros.

# %% [markdown]
# ## 3. How large is the map, and how far does a cell see?
#
# The **stride** of a map is the distance, in pixels, between neighbouring cells. The **receptive field** is the side of
# the square of pixels that a cell can see. A kernel of $k$ reaches $k - 1$ cells further than before, and a cell is worth
# as many pixels as the stride so far. Then the layer multiplies the stride by its own. That is all:

# %%
def field(layers):
    size, stride = 1, 1
    for kernel, step in layers:
        size += (kernel - 1) * stride
        stride *= step
    return size, stride


conv, pool = (3, 1), (2, 2)  # kernel, stride
assert field([conv, pool, conv, pool, (4, 1)]) == (22, 4)
to_pool5 = 2 * [conv, conv, pool] + 3 * [conv, conv, conv, pool]
print("VGG-16 to pool5:", field(to_pool5))
print("VGG-16 to fc6:  ", field([*to_pool5, (7, 1)]))

# %% [markdown]
# Check the net of section 2 on a napkin: 1 → 3 (conv) → 4 (pool; the stride is now 2) → 8 → 10 (stride 4) → 10 + 3 · 4 = 22.
# A cell sees 22 pixels, its whole window and not one more. *That* is why it was equal to the sliding window.
#
# In VGG-16 a cell before fc6 sees 212 pixels, and only the middle one of seven finds room for them in a window of 224.
# After fc6 it is **404 pixels**, for a net that was trained on 224. The other 180 were padding, 90 on each side. In one
# pass they are picture: a bus 200 pixels away may sway the answer.
#
# The library reads the layers by itself. It also knows a way that trusts no formula, and asks by **gradient** which pixels
# move the middle cell of the map.

# %%
from course_lib.models.dense import to_dense
from course_lib.models.receptive_field import (receptive_field,
                                               receptive_field_by_gradient)

last = receptive_field(to_dense(big))[-1]
assert (last.size, last.stride, last.start) == (404, 32, -90)
assert receptive_field_by_gradient(to_dense(big), size=600) == 404

# %% [markdown]
# The gradient also tells *how much* each pixel matters. Here it is for the light sister, over 4 pictures of noise.

# %%
from matplotlib.patches import Rectangle

noise = torch.randn(4, 3, 480, 480, requires_grad=True)
dense(noise)[:, :, 4, 4].sum().backward()  # the middle of 9 x 9 cells
share = noise.grad.abs().mean(dim=(0, 1))  # (480, 480)
from_left = share.sum(0).cumsum(0) / share.sum()
claim("width in px with nine tenths of the gradient",
      ((from_left > 0.05) & (from_left < 0.95)).sum(), at_most=330, digits=0)
blurred = F.avg_pool2d(share[None], 4)[0]  # (120, 120)
fig = pictures([blurred.sqrt()], ["how much a pixel moves the middle cell"])
for side, line in ((404, "-"), (224, "--")):
    corner = (4 * 32 - 90 + (404 - side) / 2) / 4
    fig.axes[0].add_patch(Rectangle((corner, corner), side / 4, side / 4,
                                    fill=False, edgecolor="w", linestyle=line))
show(fig, alt="A bright, soft patch in the middle of the picture; it fades "
              "before it reaches the white square of 404 pixels.",
     largest=30_000)

# %% [markdown]
# The solid line is the receptive field of 404 pixels, the dashed one a window of 224. Near the solid line it is almost
# dark: far pixels have a vote, but a faint one. The bright core is called the **effective receptive field**.
#
# And the size of the map? Five poolings leave $n / 32$ cells of a side of $n$ pixels, rounded down. The kernel of fc6 needs
# 7 of them for its first answer, so 6 fewer come out: $n / 32 - 6$. This is called *VALID*. With a padding of 3 around fc6,
# called *SAME*, the 6 come back, and their answers lean on zeros.

# %%
as_valid, as_same = to_dense(big), to_dense(big)
fc6 = next(m for m in as_same if getattr(m, "kernel_size", 0) == (7, 7))
fc6.padding = (3, 3)
for n in (224, 256, 384, 500):
    blank = torch.empty(1, 3, n, n, device="meta")
    v, s = as_valid(blank).shape[-1], as_same(blank).shape[-1]
    assert (v, s) == (n // 32 - 6, n // 32)
    print(f"{n} px: VALID {v:2} cells, SAME {s:2}")

# %% [markdown]
# A side of 500 pixels gets 9 answers, 32 pixels apart, and with VALID the first 96 pixels get none.

# %% [markdown]
# ## 4. A map of answers
#
# Now a net that has learnt something. This small VGG was trained on windows of 96 pixels, each with one word: the class of
# the pixel at its **centre**. (In the world `"real"` it is a SqueezeNet with ImageNet's 1,000 classes and windows of 224
# pixels, and it looks at a photograph.) With 32 pixels of zeros around the picture, there is one window around every square of
# 32 pixels.

# %%
from course_lib.data.pocket import pocket_photo
from course_lib.models.classifiers import classifier as imagenet_classifier
from course_lib.models.small_vgg import load_small_vgg

if world.name == "harbour":
    net, names = load_small_vgg()
    photo, truth = Harbour("test", size=(96, 256))[6]  # twice as wide
    size, stride, pad = 96, 32, 32
    dense_net = to_dense(net)
else:
    net, names = imagenet_classifier("squeezenet1_0", "real")
    photo, size, stride, pad = pocket_photo("coffee"), 224, 16, 0
    dense_net = nn.Sequential(to_dense(net), nn.AvgPool2d(13, 1))

# %%
from course_lib.show import commonest, legend, overlay, paint

padded = F.pad(normalise(photo), [pad] * 4)
with torch.no_grad():
    ids = dense_net(padded[None])[0].argmax(0)  # (K, h, w) -> (h, w)
few, table = ids, Harbour.classes
if world.name == "real":
    few, table = commonest(ids, names)
squares = paint(few, stride, (size - stride) // 2 - pad, photo.shape[1:])
fig = pictures([overlay(photo, squares, table, alpha=0.6)])
legend(fig, table, few)
show(fig, alt="A picture under coloured squares, each in the colour of the "
              "class that the net gives to it.", data=few, largest=30_000)

# %% [markdown]
# Houses, sky and water are where they should be, in squares. Boats, masts, cars and people have none: whatever stands at the
# centre of a window is a few pixels of 9,216, and the large thing around it gets the word. The lowest row says *road*, half of it
# is lawn.
#
# **Try it.** Move the window; black is the padding. Above stands what the classifier answers for this window alone, and what
# stands in the cell of the map, from one pass. This net pads its convolutions, too. Will the two differ?

# %%
canvas = overlay(F.pad(photo, [pad] * 4),
                 F.pad(squares, [pad] * 4, value=255), table)


def window_and_cell(column, row):
    y, x = row * stride, column * stride  # in the padded picture
    with torch.no_grad():
        alone = net(padded[None, :, y:y + size, x:x + size])[0].argmax()
    fig = pictures([canvas], [f"window: {names[alone]}; "
                              f"cell: {names[ids[row, column]]}"])
    fig.axes[0].add_patch(Rectangle((x, y), size, size, fill=False,
                                    edgecolor="white", linewidth=3))
    fig.set_size_inches(fig.get_size_inches() * 0.66)
    return fig


explore(window_and_cell, column=(0, ids.shape[1] - 1),
        row=(0, ids.shape[0] - 1), largest=45_000,
        alt="A window at the left, in the middle and at the right of the "
            "picture; above each, the answer for the window and of the "
            "cell. They agree.")

# %% [markdown]
# Hardly ever, it turns out: the numbers differ a little in every cell, the word almost never. Here is the same count over 20
# pictures. (It always uses the harbour.)

# %%
vgg, _ = load_small_vgg()
same, count = 0, 0
for i in range(20):
    wide = normalise(Harbour("test", size=(96, 256))[i][0])
    wide = F.pad(wide, [32] * 4)
    one_by_one, at_once, _ = both_ways(vgg, to_dense(vgg), wide, 96, 32)
    same += (one_by_one.argmax(0) == at_once.argmax(0)).sum().item()
    count += at_once[0].numel()
claim(f"share of {count} windows with the same word", same / count,
      at_least=0.9)

# %% [markdown]
# ## 5. Nets that average
#
# Newer classifiers have no fc6. ResNet and SqueezeNet end in **global average pooling**: each channel is averaged over all
# places, and one small layer weighs the averages. Where is the map in such a net? Two channels of 2 x 2, one class:

# %%
channels = torch.tensor([[[1.0, 2.0], [3.0, 4.0]],
                         [[0.0, 1.0], [0.0, 1.0]]])  # (2, 2, 2)
weight, bias = torch.tensor([1.0, 10.0]), -1.0
averages = channels.mean(dim=(1, 2))  # 2.5 and 0.5
logit = weight @ averages + bias
places = weight[0] * channels[0] + weight[1] * channels[1] + bias
assert logit == places.mean() == 6.5
places

# %% [markdown]
# First average, then weigh: 2.5 + 5 - 1 = 6.5. First weigh every place, then average: the mean of 0, 11, 2 and 13 is 6.5 too.
# Sums may be taken in any order. But the second way told us something on its way: the right column made the answer. This is
# a **class activation map**. `to_dense` swaps the two steps: it drops the average and makes the last layer a 1 x 1 convolution.

# %%
from torchvision.models import resnet18

resnet = resnet18().eval()  # random weights; equalities do not care
with torch.no_grad():
    logits = resnet(image[None])[0]  # (1000,)
    activation = to_dense(resnet)(image[None])[0]  # (1000, 12, 16)
torch.testing.assert_close(activation.mean(dim=(1, 2)), logits,
                           atol=1e-4, rtol=0)
print("the mean of", tuple(activation.shape[1:]), "places is the logit")

# %% [markdown]
# With trained weights the map points at things. These maps are kept numbers: a SqueezeNet with ImageNet weights was asked
# for its class *espresso* on one photograph, for *tripod* on another (more in the section *On real data*).

# %%
from course_lib.training.cards import read_card

card = read_card("classification_imagenet_squeezenet1_0")
said = card["photographs"]
espresso = torch.tensor(said["coffee"]["activation"])  # (24, 37)
tripod = torch.tensor(said["camera"]["activation"])  # (31, 31)
fig = pictures([pocket_photo("coffee"), espresso.sqrt(),
                pocket_photo("camera"), tripod.sqrt()],
               ["coffee", "for espresso", "camera", "for tripod"])
fig.set_size_inches(fig.get_size_inches() * 0.8)
show(fig, alt="A cup of coffee, and a map that lights up at its rim; a man "
              "with a camera, and a map that lights up along the tripod.",
     data=[espresso, tripod], largest=30_000)

# %% [markdown]
# No one ever told this net *where* an espresso is. It learnt from pictures with one word each, and the place came for free.

# %% [markdown]
# ## 6. FCN-32s: a score for every pixel
#
# For segmentation the classes should be ours, and the answer as large as the picture. **FCN-32s** does both to a converted
# classifier: a new **score layer**, a 1 x 1 convolution with one output a class, takes the place of the last layer; and the
# scores are enlarged by 32, bilinearly for now. The fc6 of our small net is a 3 x 3 kernel (96 pixels are 3 cells of 32); here
# it is padded by 1 (SAME), so that nothing is lost at the border.

# %%
from course_lib.models.fcn import FCN32s

torch.manual_seed(0)
fcn = FCN32s(to_dense(load_small_vgg()[0]), world.classes.num_classes)
with torch.no_grad():
    scores = fcn(torch.zeros(1, 3, 100, 150))["out"]
assert scores.shape == (1, world.classes.num_classes, 100, 150)

# %% [markdown]
# A picture of 100 x 150 pixels went in and 100 x 150 scores came out, though neither side is a multiple of 32. Inside, the
# picture was padded at the right and below to 128 x 160, and the scores were cut back. You will write that in exercise 02.3.
#
# It is trained like a classifier, all its weights together, only that each pixel is an example: **cross-entropy**, void left out. Sixty-four pictures and
# a few seconds are enough to see it learn.

# %%
train_set = world.dataset("train", count=64, size=(96, 128))
pairs = [train_set[i] for i in range(64)]
inputs = torch.stack([normalise(image) for image, _ in pairs])
labels = torch.stack([torch.as_tensor(mask) for _, mask in pairs])
optimiser = torch.optim.Adam(fcn.parameters(), lr=1e-3)
fcn.train()
losses = []
for _step in range(100):
    batch = torch.randint(64, (8,))
    logits = fcn(inputs[batch])["out"]  # (8, C, 96, 128)
    loss = F.cross_entropy(logits, labels[batch], ignore_index=255)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())

# %%
from matplotlib.figure import Figure

fig = Figure(figsize=(4.8, 2), layout="constrained")
axes = fig.subplots()
axes.plot(losses, marker="")
axes.set(xlabel="step", title="cross-entropy of a pixel", ylim=(0, None))
show(fig, alt="The loss falls steeply in the first steps, then slowly.")
claim("mean of the last 10 losses over the first loss",
      sum(losses[-10:]) / 10 / losses[0], at_most=0.7)

# %% [markdown]
# Steep, then slow: the usual shape. The rest is patience, so we go on with a net that was trained for longer. Its weights come
# with the course; we measure them again, on all 200 test pictures.

# %%
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net
from course_lib.training.evaluation import evaluate_net

fcn, info = load_net(weights_dir() / "fcn32s_harbour.safetensors")
test_set = Harbour("test")  # 200 pictures, 96 x 128 pixels, thin 2
scores = evaluate_net(fcn, test_set).scores()
iou = dict(zip(test_set.classes.names, scores.class_iou, strict=True))
claim("IoU of sky", iou["sky"], at_least=0.7)
claim("IoU of road", iou["road"], at_least=0.45)
claim("IoU of mast", iou["mast"], at_most=0.1)

# %%
from course_lib.show import label_figure

example, truth = test_set[6]
with torch.no_grad():
    prediction = fcn(normalise(example)[None])["out"][0].argmax(0)  # (H, W)
fig = label_figure(example, truth, prediction, classes=test_set.classes)
fig.set_size_inches(fig.get_size_inches() * 0.8)
show(fig, alt="A harbour, its labels, and the prediction: sky, houses, water, "
              "road and lawn as soft bands, hardly a mast.", largest=40_000)

# %% [markdown]
# Soft bands where there were edges. The order of things is right, their outlines are not. A red band runs along the quay: there
# are posts and railings at that height, the net knows, but it cannot say at which pixel. The masts are missing, but for a speck.

# %% [markdown]
# ## A common mistake
#
# Weights travel between libraries. TensorFlow flattens a map in the order height, width, channels; PyTorch in the order
# channels, height, width. Say the layer `theirs` was trained over there, behind the padding-free net of section 2:

# %%
theirs = nn.Linear(4 * 4 * 16, 10)  # expects (H, W, C), flattened
with torch.no_grad():
    four = valid(small[None, :, :22, :22])  # (1, 16, 4, 4)
    right = theirs(four.permute(0, 2, 3, 1).flatten(1))  # (1, 10)
    wrong = linear_to_conv(theirs, 16, 4)(four).flatten(1)  # (1, 10)
assert right.shape == wrong.shape
claim("largest difference", (right - wrong).abs().max(), at_least=0.01)

# %% [markdown]
# No error, the right shape, and wrong numbers: 4 x 4 x 16 weights fill a kernel of 16 x 4 x 4 without complaint, most of them in a
# wrong place. Unfold the weights in *their* order, then turn the axes:

# %%
kernels = theirs.weight.view(10, 4, 4, 16).permute(0, 3, 1, 2)
fixed = F.conv2d(four, kernels, theirs.bias).flatten(1)
torch.testing.assert_close(fixed, right, atol=1e-5, rtol=0)

# %% [markdown]
# The lesson is larger than the bug: after moving weights, compare *numbers* on one input, before and after. A shape proves
# nothing.

# %% [markdown]
# ## The failure curve
#
# Now the second question: net or squares? Both nets of this chapter were trained with three seeds on harbours of all widths, and
# scored on 200 test pictures at six widths: the old one, the *converted classifier* and nothing else, and the new one, *FCN-32s*
# trained from it. Their scores are kept in a card. A third line we draw here, over the first 60 of those pictures: what
# *perfect squares* score, one word each, straight from the truth.

# %%
from course_lib.metrics import ConfusionMatrix

curve = read_card("curve_harbour_thin_fcn32s")
perfect = {"lamp post": [], "road": []}
for thin in curve["values"]:
    matrix = ConfusionMatrix(12)
    for _, truth in Harbour("test", count=60, thin=thin):
        matrix.update(truth, best_squares(truth))
    for name, points in perfect.items():
        row = Harbour.classes.index(name)
        points.append(float(matrix.scores().class_iou[row]))

# %%
from course_lib.show import failure_curve

for part in (curve, curve["others"]["road"]):
    line = perfect[part["score"].removeprefix("IoU of ")]
    methods = {**part["methods"], "perfect squares": {"0": line}}
    show(failure_curve({**curve, **part, "methods": methods}),
         alt="Score against the width of poles for the converted classifier, "
             "FCN-32s and perfect squares.", data=line, largest=25_000)

# %%
thin_at = {v: i for i, v in enumerate(curve["values"])}
lamp = [ious for seeds in curve["methods"].values() for ious in seeds.values()]
assert max(ious[thin_at[1]] for ious in lamp) < 0.1
assert max(ious[thin_at[8]] for ious in lamp) < 0.3
masts = curve["others"]["mast"]["methods"]["FCN-32s"].values()
assert max(max(ious) for ious in masts) < 0.1
road = {name: torch.tensor(list(seeds.values())).mean()
        for name, seeds in curve["others"]["road"]["methods"].items()}
assert road["FCN-32s"] - road["converted classifier"] > 0.08
assert perfect["lamp post"][thin_at[3]] == 0
assert min(ious[thin_at[3]] for ious in lamp) > 0.1  # nets above squares
best = torch.tensor(list(
    curve["others"]["road"]["methods"]["FCN-32s"].values())).mean(0)
assert 0.04 < best[0] - best[-1] < 0.07  # road, 1 px against 8 px

# %% [markdown]
# Look at the lamp posts first, and mind the axis. With poles of 1 pixel all lines lie below 0.1, and with 8 pixels, a quarter
# of a cell, they are still below 0.3. Training on whole pictures gained nothing here; on the widest posts the converted
# classifier is even ahead, since the windows it learnt from were drawn so that rare classes came up often. (Masts, in the card as well, never
# reach 0.1.) Now the road: training lifted it by about 0.1, and posts eight times as wide cost it only 0.05. So the net did
# learn what it could. What it did not learn was to place a pole.
#
# Is it the net, or the squares? The truth itself, cut into squares, has no lamp post below 4 pixels. Mind what that proves:
# perfect squares get the most *pixels* right, not the best IoU. Both nets lie above them, since their scores are enlarged softly
# and a border may fall anywhere between two cells, and they smear posts into bands that hit some of them. That is far
# from placing a post. Two nets trained in different ways and the truth in squares share one thing, the stride of 32, and all
# three fail where it says they must: on what is thinner than a cell. The test that settles it keeps the net and makes the
# map finer, and that is where the course goes next.

# %% [markdown]
# ## On real data
#
# Does the conversion hold for a net that has seen the real world? We gave 100 photographs of 100 classes to a SqueezeNet with
# ImageNet weights, before and after. Then we laid four crops of 224 pixels on one sheet, ran it once, and asked *where* the class of
# each crop is strongest. The card was made by `python -m course_lib.training.imagenet`:

# %%
from course_lib.show import card_table

card_table(card, {"num_pictures": "photographs", "top1": "top-1",
                  "top1_dense": "top-1, converted", "top5": "top-5",
                  "crops_found": "crops found"})
assert card["top1"] == card["top1_dense"] == 0.59
assert card["same_answer"] == 1 and card["crops_found"] == 0.89

# %% [markdown]
# The conversion changes no answer: 59 of 100 are right before and after. And 89 of 100 times the peak lies where the crop was
# laid, nearer than half a window, though the net has only ever been asked about single pictures.
#
# On two photographs that may be shared, these are its answers for every window of 224 pixels, in one pass. Each square
# stands in the middle of its window.

# %%
for name in ("coffee", "camera"):
    words = {int(i): word for i, word in said[name]["names"].items()}
    few, table = commonest(torch.tensor(said[name]["answers"]), words)
    photo = pocket_photo(name)
    squares = paint(few, 16, (224 - 16) // 2, photo.shape[1:])
    fig = pictures([overlay(photo, squares, table)])
    legend(fig, table, few)
    show(fig, alt=f"The photograph {name} under coloured squares: the answers "
                  "of the converted net, named below.", data=few,
         largest=35_000)

# %% [markdown]
# *Espresso* lies on the espresso, *tripod* on the tripod. Where no class fits the net still answers, with the nearest word it
# has: the saucer is a *soup bowl*, the table a *wooden spoon*. A border of 104 pixels stays bare, since no window of 224 fits around those pixels: the VALID of
# section 3, seen on a photograph.
#
# Where the photographs are at hand, the next cell measures the card again.

# %%
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "imagenet"
if folder and folder.is_dir():
    from course_lib.training.imagenet import imagenet_card

    again = imagenet_card(folder)
    assert again["top1"] == again["top1_dense"] == card["top1"]
    assert again["top5"] == card["top5"] and again["same_answer"] == 1
    assert abs(again["crops_found"] - card["crops_found"]) <= 0.02

# %% [markdown]
# ## Exercises
#
# ### Exercise 02.1: how many cells?
#
# Write a function that gives the number of cells along one side of `n` pixels. `layers` is a list of (kernel, stride, padding),
# in order; the padding is added on *both* sides, and a kernel that does not fit any more is left out. 5 pixels under (3, 1, 0)
# give 3 cells, 7 pixels under (2, 2, 0) give 3.
#
# <details><summary>Hint 1: one layer</summary>
#
# The kernel starts at the first place and moves on while it fits: count the moves, and add the first place.
#
# </details>
# <details><summary>Hint 2: as a formula</summary>
#
# `(n + 2 * padding - kernel) // stride + 1`; and what comes out of one layer is the `n` of the next.
#
# </details>

# %%
def output_size(n, layers):
    raise NotImplementedError

# %%
check("02.1", output_size)

# %% [markdown]
# ### Exercise 02.2: a class activation map
#
# `features` (C, h, w) is the last map of a net with global average pooling, `weight` (K, C) and `bias` (K,) are its last layer.
# Give the class activation map (h, w) of `class_id`, whose mean is the logit of that class. For `channels` of section 5,
# `weight = [[1, 0], [1, 10]]` and `bias = [0.5, -1]`, it is `[[1.5, 2.5], [3.5, 4.5]]` for class 0.
#
# <details><summary>Hint 1</summary>
#
# You need one row of `weight` and one number of `bias`. Weigh every channel, add the channels up, add the bias everywhere.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `weight[class_id].view(-1, 1, 1)` has the shape (C, 1, 1) and fits beside `features`.
#
# </details>

# %%
def activation_map(features, weight, bias, class_id):
    raise NotImplementedError

# %%
check("02.2", activation_map)

# %% [markdown]
# ### Exercise 02.3: any size
#
# Pad a picture (3, H, W) with zeros, at the right and below only, until both sides are multiples of `multiple`. A side that fits
# already stays as it is.
#
# <details><summary>Hint 1</summary>
#
# How many pixels are missing from 30 to 32? And from 64 to 64? `-30 % 32` is a short way to ask.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `F.pad(image, (left, right, above, below))`: the *last* axis, the width, comes first.
#
# </details>

# %%
def pad_to(image, multiple):
    raise NotImplementedError

# %%
check("02.3", pad_to)

# %% [markdown]
# Stuck? The [solutions](solutions/02_fcn_conversion.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. A VGG-16, converted with VALID, gets a picture of 640 x 480 pixels (width x height). How many answers does it give?
# 2. Your converted net and a sliding window agree to 1e-6 on net A and differ in the second digit on net B. What do you ask
#    about B before you look for a bug?
# 3. FCN-32s loses masts of 2 pixels. A colleague wants a classifier with a larger receptive field. What do you say?
#
# ## What you learned
#
# - You turned a fully connected layer into a convolution by moving its weights, and compared numbers before and after.
# - You ran a classifier over a whole picture in one pass: equal to a sliding window without padding, different with it, since
#   a cut-out window sees zeros at its border.
# - You computed the size of a map ($n / 32 - 6$ for VGG-16), its stride (32) and the receptive field of a cell (404 pixels), by
#   arithmetic and by gradient.
# - You can read a class activation map, whose mean is the logit.
# - You trained an FCN-32s with a new score layer, and measured for which objects a stride of 32 is too coarse.
#
# New in your hands: `linear_to_conv`, `to_dense`, `slide`, `receptive_field`, `receptive_field_by_gradient`, `FCN32s`, `load_net`,
# `evaluate_net`, `failure_curve`, `card_table`.
#
# The dial of this chapter in one picture, and [turning](figures/02.webp):
#
# ![A white window slides over a harbour and says one word at each of twelve places; beside it the same weights, as convolutions, give all twelve words in one pass. All twelve agree. None says boat, car or mast.](figures/02.png)
#
# ## Read more
#
# - Long, Shelhamer and Darrell, [Fully Convolutional Networks for Semantic
#   Segmentation](https://doi.org/10.1109/CVPR.2015.7298965), CVPR 2015: sections 3 and 4 are this chapter; [our
#   notes](../literature/notes/02_fcn.md) say what our curve adds.
# - Dumoulin and Visin, [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285), 2016: sizes and
#   strides, drawn.
# - Zhou et al., [Learning Deep Features for Discriminative Localization](https://doi.org/10.1109/CVPR.2016.319), CVPR 2016: the
#   class activation map.
# - Luo et al., [Understanding the Effective Receptive Field](https://arxiv.org/abs/1701.04128), NeurIPS 2016: why far pixels
#   hardly count.
