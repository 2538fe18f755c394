# %% [markdown]
# # 03. Upsampling: from a coarse map back to pixels
#
# A net that thinks in squares of 32 pixels must answer for single pixels. You build the layer that enlarges a map, and fetch
# what it cannot bring back from finer maps inside the net.
#
# ## What you will be able to do
#
# - enlarge a row by inserting zeros and filtering, and say what a nearest, a linear and a sinc filter leave behind
# - write a convolution as a matrix, and show that its transpose is the upsampling layer and the gradient
# - build the bilinear kernel for any factor, and explain where it differs from other resizers
# - measure a checkerboard and choose a layer that cannot make one
# - extend FCN-32s to FCN-16s and FCN-8s without losing what it knows, and measure which objects gain
#
# ## Before you start
#
# You need chapters 00 to 02. About 75 minutes; the cells run in about 45 seconds on a CPU.

# %%
# setup

# %%
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.show import colourise, explore, pictures, show
from course_lib.teaching import check, claim
from course_lib.training.squares import in_squares

world = course_lib.world("harbour")  # or "real"

# %% [markdown]
# ## The question
#
# In chapter 02 two nets with a stride of 32 lost the masts, and so did the truth itself, cut into squares of 32 pixels with
# one word each (`in_squares`). What if the squares were smaller?
#
# **Try it.** Masts (black) and lamp posts (dark red) are 2 pixels wide here. At which side of the squares will you see the
# first?

# %%
thin = {"harbour": "mast", "real": "pole"}[world.name]
classes, thin_id = world.classes, world.classes.index(thin)
dataset = world.dataset("test", count=50, size=(192, 256))
truths = torch.stack([torch.as_tensor(labels) for _, labels in dataset])


def words(side):
    squares = in_squares(truths[6], side, classes.num_classes)
    fig = pictures([colourise(squares, classes)])
    fig.set_size_inches(fig.get_size_inches() * 0.7)
    return fig


explore(words, side=[32, 16, 8, 4, 2], largest=40_000,
        alt="The truth of a harbour in squares of 32, 8 and 2 px: no mast, "
            "no mast, and at last thin black and dark red lines.")
for side in (32, 16, 8, 4, 2):
    squares = torch.stack([in_squares(truth, side, classes.num_classes)
                           for truth in truths])
    a, b = truths == thin_id, (squares == thin_id) & (truths != 255)
    print(f"squares of {side:2} px: IoU of {thin} "
          f"{(a & b).sum() / (a | b).sum():.2f}")

# %% [markdown]
# The truth itself scores that: masts need squares about as narrow as they are. So how do we make a map larger (sections 1 to
# 4)? And since no enlargement invents a mast that the map does not hold: where in the net are finer maps (section 5)?

# %% [markdown]
# ## 1. Zeros in between, then a filter
#
# To enlarge a row by 2, put a zero after every number; then let a filter fill the gaps. Three numbers, on paper:

# %%
row = torch.tensor([2.0, 6.0, 4.0])
stuffed = torch.zeros(6)
stuffed[::2] = row  # 2 0 6 0 4 0


def filtered(kernel):
    padded = F.pad(stuffed, (len(kernel) // 2, (len(kernel) - 1) // 2))
    return F.conv1d(padded.view(1, 1, -1), kernel.view(1, 1, -1)).flatten()


print("nearest", filtered(torch.tensor([1.0, 1.0])).tolist())
print("linear ", filtered(torch.tensor([0.5, 1.0, 0.5])).tolist())

# %% [markdown]
# The filter `1 1` repeats each number: **nearest neighbour**. `½ 1 ½` puts the mean of two neighbours between them: **linear
# interpolation**. The last number, 2, is half of 4: beyond the end there are zeros. Remember that border.
#
# Which filter is best? Think of the row as a sum of waves; `rfft` tells the strength of each. A wave of 3 cycles, kept by 16
# samples, then stuffed to 128 numbers:

# %%
def sampled(cycles, count):
    return torch.sin(2 * torch.pi * cycles * torch.arange(count) / count)


def stuff(samples, factor=8):
    stuffed = torch.zeros(len(samples) * factor)
    stuffed[::factor] = samples
    return stuffed


places = torch.arange(-64, 64) / 8  # distance in samples
kernels = {"nearest": ((places >= -0.5) & (places < 0.5)).float(),
           "linear": (1 - places.abs()).clamp(min=0)}
passed = {name: torch.fft.rfft(k.roll(64)) for name, k in kernels.items()}
passed["sinc"] = 8.0 * (torch.arange(65) < 8)  # (65 frequencies,)


def rebuild(samples, name):
    waves = torch.fft.rfft(stuff(samples)) * passed[name]
    return torch.fft.irfft(waves, n=128)

# %%
waves = torch.fft.rfft(stuff(sampled(3, 16))).abs() / 8  # (65,)
fig = Figure(figsize=(8.6, 1.9), layout="constrained")
for ax, (name, gain) in zip(fig.subplots(1, 3, sharey=True),
                            passed.items(), strict=True):
    left = waves * gain.abs() / 8
    ax.vlines(torch.arange(65), 0, waves, color="#C9CDD1", linewidth=5)
    ax.vlines(torch.arange(65), 0, left, color="#D55E00", linewidth=5)
    ax.plot(gain.abs() / 8, marker="")
    ax.set(title=name, xlabel="cycles in the row", ylim=(0, 1.1))
show(fig, alt="Eight grey bars, the wave and its copies. The nearest filter "
              "keeps parts of the copies, the linear one less, sinc none.",
     data=waves, largest=30_000)
print("waves after stuffing:", (waves > 0.5).nonzero().flatten().tolist())

# %% [markdown]
# One wave of 3 cycles went in; stuffing made eight: the others are its **copies**, too fast to have been in 16 samples. The
# blue line is what a filter lets through, orange what remains. Nearest leaves a good part of the first copies, the edges of a
# staircase; linear leaves little. A perfect filter keeps everything below 8 cycles, *half the number of samples* (the
# **Nyquist** limit), and nothing above: the **sinc**, as a kernel endlessly long.
#
# **Try it.** What will the three filters make of a wave of 13 cycles?

# %%
def rebuilt(cycles):
    samples, fine = sampled(cycles, 16), torch.arange(128) / 8
    fig = Figure(figsize=(8.6, 1.5), layout="constrained")
    axes = fig.subplots(1, 3, sharey=True)
    for ax, name in zip(axes, passed, strict=True):
        ax.plot(fine, sampled(cycles, 128), color="#C9CDD1", marker="")
        ax.plot(fine, rebuild(samples, name), color="#D55E00", marker="")
        ax.plot(samples, "o", color="#22262B", markersize=3.5)
        ax.set(title=name, yticks=[], ylim=(-1.5, 1.5))
    return fig


explore(rebuilt, cycles=(1, 13, 6), largest=80_000,
        alt="A wave in grey, its 16 samples, and three ways to rebuild it. "
            "1 cycle: all good. 7 cycles: only sinc. 13 cycles: none.")

seven, thirteen = sampled(7, 16), sampled(13, 16)
assert (rebuild(seven, "sinc") - sampled(7, 128)).abs().max() < 1e-5
assert (thirteen + sampled(3, 16)).abs().max() < 1e-5  # the same samples

# %% [markdown]
# Below the limit only the sinc is exact (look at 7 cycles). Beyond it all three fail: the samples of 13 cycles *are* those of
# 3 cycles upside down. What falls between samples is gone, and no filter, learnt or not, brings it back. To a map with one
# score a class every 32 pixels, a mast of 2 pixels is such a detail.

# %% [markdown]
# ## 2. A convolution is a matrix; its transpose makes things larger
#
# A kernel of 3 x 3 on a picture of 4 x 4 gives 2 x 2 answers, each a weighted sum of 16 pixels, most of them with weight 0.
# So the convolution is a matrix of 4 x 16: the kernel, written down four times. Transposed it takes **4 numbers to 16**, the
# direction we need. It has two more names:

# %%
kernel = torch.arange(1.0, 10.0).view(3, 3)
matrix = torch.zeros(4, 16)
for y in range(2):
    for x in range(2):
        sheet = torch.zeros(4, 4)
        sheet[y:y + 3, x:x + 3] = kernel
        matrix[2 * y + x] = sheet.flatten()
print(matrix.int())
picture = torch.randint(10, (4, 4)).float().requires_grad_()
answers = F.conv2d(picture[None, None], kernel[None, None])[0, 0]  # (2, 2)
assert torch.equal(matrix @ picture.flatten(), answers.flatten())

small = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])
by_matrix = (matrix.T @ small.flatten()).view(4, 4)
by_layer = F.conv_transpose2d(small[None, None], kernel[None, None])[0, 0]
(by_gradient,) = torch.autograd.grad(answers, picture, small)
assert torch.equal(by_matrix, by_layer)
assert torch.equal(by_matrix, by_gradient)
by_matrix.int()

# %% [markdown]
# Row 0 of the matrix is the kernel in the top left corner. Three equalities: the matrix is `conv2d`; its transpose is the
# layer `conv_transpose2d`; and that is what `backward` does when it carries a gradient through a convolution. Every net you
# trained has run transposed convolutions.
#
# Read 1245, second row, second column of the last output: 5 from the first stamp of the kernel, 4 from the second (ten times
# as strong), 2 from the third, 1 from the fourth. Where stamps overlap, they **add**.
#
# > **Keep this picture.** A convolution gathers what lies under its window. A transposed convolution *stamps* its kernel, once
# > for each number. A stride of 2 moves the stamp by 2: those are the inserted zeros of section 1.
#
# The library builds such a matrix for any kernel, stride and padding. (The old name *deconvolution* is wrong: to transpose is
# not to invert.)

# %%
from course_lib.models.upsampling import convolution_matrix

assert torch.equal(convolution_matrix(kernel, (4, 4)), matrix)
there_and_back = matrix @ matrix.T  # (4, 4)
assert not torch.allclose(there_and_back, torch.eye(4))
strided = convolution_matrix(kernel, (8, 8), stride=2, padding=1)
assert (strided > 0).sum(1).max() == 9
fig = pictures([strided], ["stride 2: 64 pixels to 16 cells"], cmap="Blues")
show(fig, alt="A wide matrix, mostly empty, with three bands of short dashes "
              "that move right from row to row.",
     data=strided, largest=30_000)

# %% [markdown]
# Up to nine weights a row, in three bands, one for each row of the kernel. Mirrored at its diagonal, it is the transposed
# layer.

# %% [markdown]
# ## 3. The bilinear kernel
#
# Which numbers make the layer interpolate? A cell of the map stands for a square of $f$ x $f$ pixels. Cells and pixels have
# their values at their *middles*. For $f = 2$ the middles of the pixels lie a quarter of a cell before and behind that of the
# cell; for $f = 3$ one falls right on it:

# %%
def middles(f, align_corners, cells=3):
    if align_corners:
        return torch.linspace(0.5, cells - 0.5, f * cells)
    return (torch.arange(f * cells) + 0.5) / f  # in cells


fig = Figure(figsize=(8.6, 1.9), layout="constrained")
axes = fig.subplots(1, 3)
for ax, (f, align) in zip(axes, [(2, False), (3, False), (2, True)],
                          strict=True):
    ax.vlines(range(4), -0.5, 0.5, color="#6B7075", linewidth=1)
    ax.plot([0.5, 1.5, 2.5], [0.15] * 3, "s", markersize=11)
    ax.plot(middles(f, align), [-0.2] * 3 * f, "o")
    ax.set(title=f"f = {f}" + ", corners aligned" * align, ylim=(-0.7, 0.7))
    ax.set_axis_off()
show(fig, alt="Three cells with their middles as squares, pixels below as "
              "dots: even spacing inside the cells for f = 2 and 3; with "
              "corners aligned the outer dots sit on the outer squares.",
     data=middles(2, True), largest=30_000)

# %% [markdown]
# Blue are cells, orange are pixels; the third panel is another convention, for later. A pixel takes from a cell the more, the
# nearer it is: $1 - d$ at a distance of $d$ cells, nothing from $d = 1$ on. For $f = 2$ the distances that occur are ¼ and ¾,
# to the left and right: 4 weights. For $f = 3$ they are 0, ⅓ and ⅔: 5 weights. In general there are $2f - f \bmod 2$.

# %%
def tent(factor):
    size = 2 * factor - factor % 2
    distance = (torch.arange(size) - (size - 1) / 2).abs() / factor
    return 1 - distance


for factor in (2, 3, 4):
    print(factor, [round(w, 3) for w in tent(factor).tolist()])

# %% [markdown]
# In two dimensions the kernel is a tent times a tent. Do PyTorch and scikit-image mean the same by *bilinear*? For $f$ from 2
# to 9:

# %%
from skimage.transform import resize as skimage_resize

from course_lib.models.upsampling import BilinearUpsample, bilinear_kernel

coarse = torch.rand(1, 1, 5, 6)
for f in range(2, 10):
    kernel = tent(f)[:, None] * tent(f)  # (k, k)
    assert torch.equal(kernel, bilinear_kernel(f))  # the library's
    rim = f // 2  # px that stick out on each side
    ours = F.conv_transpose2d(coarse, kernel[None, None], None, f, rim)
    torchs = F.interpolate(coarse, scale_factor=f, mode="bilinear")
    theirs = skimage_resize(coarse[0, 0].numpy(), torchs.shape[2:], order=1,
                            mode="edge", anti_aliasing=False)
    assert torch.allclose(torchs[0, 0], torch.from_numpy(theirs), atol=1e-5)
    inside = (..., slice(rim, -rim), slice(rim, -rim))
    assert torch.allclose(ours[inside], torchs[inside], atol=1e-5)
    assert not torch.allclose(ours, torchs, atol=1e-2)  # the border!

# %% [markdown]
# Equal inside, for all eight factors, and different in the outermost $f / 2$ pixels. A grid of 3 x 3, enlarged by 8:

# %%
grid = torch.tensor([[[[1.0, 0.2, 1.0], [0.2, 1.0, 0.2], [1.0, 0.2, 1.0]]]])
with torch.no_grad():
    bare = BilinearUpsample(1, 8, border="zeros")(grid)[0, 0]  # (24, 24)
    full = BilinearUpsample(1, 8)(grid)[0, 0]  # (24, 24)
dots = torch.zeros(24, 24)
dots[4::8, 4::8] = grid[0, 0]
shown = [dots, bilinear_kernel(8), bare, full]
fig = pictures([(m * 255).byte() for m in shown],
               ["zeros in between", "the kernel", "stamped",
                "border repeated"])
show(fig, alt="Nine dots on black; a soft pyramid; nine soft stamps whose "
              "outer rim fades; the same with a rim that does not fade.",
     data=shown, largest=40_000)
same = F.interpolate(grid, scale_factor=8, mode="bilinear")[0, 0]
assert torch.allclose(full, same, atol=1e-6)

# %% [markdown]
# The rim fades, as the 2 did in section 1: beyond the border there is no cell, hence no stamp. `interpolate` repeats the
# outermost cell instead. `BilinearUpsample` does so before it stamps and cuts what sticks out; then it equals `interpolate`
# at every pixel.
#
# Now the third panel above. **align_corners=True** puts the first and last pixel on the first and last *middle of a cell*,
# and spreads the rest evenly between:

# %%
three = torch.tensor([[[0.0, 10.0, 20.0]]])
for align in (False, True):
    line = F.interpolate(three, size=6, mode="linear", align_corners=align)
    print(f"align_corners={align}:", line.flatten().tolist())
assert (32 - 1) / 2 == 15.5  # px from a corner to the middle of its cell

# %% [markdown]
# The value of the corner cell lands in the middle of its square, or in the very corner: at a stride of 32, 15.5 pixels apart.
# Poolings of 2 x 2 mean the middle, so a VGG needs `align_corners=False` (exercise 03.3).
#
# FCN enlarges one map of scores *for each class*. A plain layer has a kernel for every *pair* of classes, nearly all of them
# zero here; a layer in **groups** has one a class. For 1,000 classes and a factor of 32:

# %%
with torch.device("meta"):  # shapes, but no numbers
    dense = nn.ConvTranspose2d(1000, 1000, 64, stride=32, bias=False)
    grouped = nn.ConvTranspose2d(1000, 1000, 64, 32, groups=1000, bias=False)
assert dense.weight.nbytes == 1000 * grouped.weight.nbytes
print(f"dense: {dense.weight.nbytes / 2**30:.1f} GiB")
print(f"grouped: {grouped.weight.nbytes / 2**20:.1f} MiB")

# %% [markdown]
# The same answers from a thousandth of the weights.

# %% [markdown]
# ## 4. Checkerboards
#
# Many nets learn their kernels instead. Count the stamps that meet at each pixel, for a stride of 2 and kernels of 3 x 3 and
# 4 x 4:

# %%
for size in (3, 4):
    stamps = F.conv_transpose2d(torch.ones(1, 1, 4, 4),
                                torch.ones(1, 1, size, size), stride=2)
    print(f"kernel {size}:", stamps[0, 0, 3, 1:-1].int().tolist(),
          "and the row below:", stamps[0, 0, 4, 1:-1].int().tolist())

# %% [markdown]
# With 3 x 3, pixels get 1, 2 or 4 stamps in turn, a **checkerboard** even where the map is flat. With 4 x 4 all but the
# border get 4. Hence a common advice: make the kernel a multiple of the stride. Is it enough? We let three small nets learn
# to enlarge pictures by 4, then give them a flat grey. How flat is the answer?

# %%
def transposed(size):
    extra = 1 if size == 3 else 0  # 3 x 3 needs a row to double the size
    return lambda a, b: nn.ConvTranspose2d(a, b, size, 2, 1, extra)


def resize_first(a, b):
    return nn.Sequential(nn.Upsample(scale_factor=2),  # nearest
                         nn.Conv2d(a, b, 3, padding=1))


def learn(up, steps=60):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(),
                        up(16, 16), nn.ReLU(), up(16, 3))
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(steps):
        large = photos[torch.randint(len(photos), (4,))]
        loss = F.mse_loss(net(F.avg_pool2d(large, 4)), large)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


train_set = Harbour("train", 64)
photos = torch.stack([train_set[i][0] for i in range(64)]).float() / 255
ups = {"3 x 3, stride 2": transposed(3), "4 x 4, stride 2": transposed(4),
       "resize, then 3 x 3": resize_first}
learnt = {name: learn(up) for name, up in ups.items()}

# %%
def unevenness(answer):  # (3, H, W) -> grey levels of 255
    phases = [answer[:, i::4, j::4].mean((1, 2))
              for i in range(4) for j in range(4)]
    return 255 * torch.stack(phases).std(0).mean()


with torch.no_grad():  # the middle, far from the border: (3, 32, 32)
    flat = {name: net(torch.full((1, 3, 16, 16), 0.5))[0, :, 16:-16, 16:-16]
            for name, net in learnt.items()}
for name in ("3 x 3, stride 2", "4 x 4, stride 2"):
    claim(f"{name}: unevenness in grey levels", unevenness(flat[name]),
          at_least=0.5, digits=1)
assert unevenness(flat["resize, then 3 x 3"]) < 0.001
boards = [answer.mean(0) for answer in flat.values()]
boards = [(b - b.mean() + 0.04) / 0.08 for b in boards]  # contrast up
fig = pictures([(b.clamp(0, 1) * 255).byte() for b in boards], list(flat))
show(fig, alt="Flat grey, enlarged by three trained nets, contrast raised: "
              "two show a regular pattern, the third is plain grey.",
     largest=40_000)

# %% [markdown]
# (With the contrast raised.) The 4 x 4 kernel does *not* cure it here. Everyone gets four stamps, but nothing makes the four
# learnt weights add up to the same for each pixel. The third net is flat: enlarge first, by a fixed rule, then convolve. All
# pixels see the same weights, so a flat map stays flat, whatever is learnt. The price is a convolution at the larger size.

# %% [markdown]
# ## 5. FCN-16s and FCN-8s: scores from finer maps
#
# On its way down the net *had* finer maps: at stride 16 after its fourth pooling, at stride 8 after its third. FCN gives each
# a **score layer** of its own, a **skip**, and adds the scores.
#
# ```text
# picture -- pool3 -------- pool4 -------- pool5 -- fc6 -- fc7
#              |              |                             |
#            score          score                         score
#              | x8           | x16                         | x32
#              +--------------+----------(sum)--------------+---> logits
# ```
#
# With all three scores it is **FCN-8s**, without that of pool3 **FCN-16s**. In the small VGG of chapter 02 every fourth layer
# is a pooling, so FCN-16s fits in one cell:

# %%
from course_lib.models.blocks import resize
from course_lib.models.fcn import FCN32s
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net

fcn32s, _ = load_net(weights_dir() / "fcn32s_harbour.safetensors")


class FCN16s(nn.Module):
    def __init__(self, coarse: FCN32s, channels=64):
        super().__init__()
        self.coarse = coarse
        self.skip = nn.Conv2d(channels, coarse.score.out_channels, 1)
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.skip.bias)

    def forward(self, images):  # sides: multiples of 32
        pool4 = self.coarse.body[:16](images)  # (B, 64, H/16, W/16)
        fc7 = self.coarse.body[16:](pool4)  # (B, 128, H/32, W/32)
        deep = resize(self.coarse.score(fc7), images.shape[2:])
        return deep + resize(self.skip(pool4), images.shape[2:])

# %% [markdown]
# The new scores begin at **zero**: FCN-16s *is* FCN-32s at its first step, and training starts from what is known. The
# library's `start_from_coarser` loads the weights of the coarser net and says which are new.

# %%
from course_lib.models import build
from course_lib.models.skips import start_from_coarser

num = Harbour.classes.num_classes
fcn16s, fcn8s = build("fcn16s_small", num), build("fcn8s_small", num)
print("new in 16s:", start_from_coarser(fcn16s, fcn32s.state_dict()))
print("new in 8s: ", start_from_coarser(fcn8s, fcn16s.state_dict()))
with torch.no_grad():
    for size in [(96, 128), (97, 131), (33, 20)]:
        noise = torch.randn(1, 3, *size)
        before = fcn32s(noise)["out"]
        for finer in (fcn16s.eval(), fcn8s.eval()):
            assert torch.equal(finer(noise)["out"], before)
    noise = torch.randn(1, 3, 96, 128)
    ours = FCN16s(fcn32s)(noise)
assert torch.equal(ours, fcn32s(noise)["out"])

# %% [markdown]
# Equal to the last bit, at odd sizes too. The paper's net would not be: it enlarges by 2, adds, again by 2, adds, and the sum
# by 8. Twice is not at once, as one hot cell shows:

# %%
hot = torch.zeros(1, 1, 5, 5)
hot[..., 2, 2] = 1
at_once = resize(hot, (160, 160))
in_steps = resize(resize(hot, (10, 10)), (160, 160))
print("highest pixel at once:", at_once.max().item())
print("highest pixel in two steps:", in_steps.max().item())

# %% [markdown]
# After the first step no pixel lies on the middle of a cell, so none has its full value: ¾ · ¾ = 0.5625. Ours takes each
# score straight to the picture.
#
# Now let both learn on, from the weights of FCN-32s and over the same batches:

# %%
def go_on(net, steps=50):
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(net.train().parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        batch = torch.randint(64, (8,))
        loss = F.cross_entropy(net(inputs[batch])["out"], labels[batch],
                               ignore_index=255)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return torch.tensor(losses)


inputs = torch.stack([normalise(train_set[i][0]) for i in range(64)])
labels = torch.stack([torch.as_tensor(train_set[i][1]) for i in range(64)])
losses = {"FCN-32s goes on": go_on(fcn32s), "FCN-8s": go_on(fcn8s)}
old, new = (line[-20:].mean() for line in losses.values())
claim("loss of FCN-8s over that of FCN-32s, last 20 steps", new / old,
      at_most=0.95)

# %% [markdown]
# Fifty steps show the direction. To compare finished nets, the course ships all three, each trained from random weights for
# 800 steps, so that none has had more. On the 200 test pictures, where masts and lamp posts are 2 pixels wide:

# %%
from course_lib.training.evaluation import evaluate_net
from course_lib.training.stream import Cached

test_set = Cached(Harbour("test"))  # 200 pictures of 96 x 128, thin 2
nets = {f"FCN-{s}s": load_net(
    weights_dir() / f"fcn{s}s_small_harbour.safetensors")[0]
    for s in (32, 16, 8)}
iou = {}
for name, net in nets.items():
    class_iou = evaluate_net(net, test_set).scores().class_iou
    iou[name] = dict(zip(Harbour.classes.names, class_iou, strict=True))
claim("IoU of road, FCN-32s", iou["FCN-32s"]["road"], at_most=0.62)
claim("IoU of road, FCN-8s", iou["FCN-8s"]["road"], at_least=0.75)
claim("IoU of mast, FCN-8s", iou["FCN-8s"]["mast"], at_most=0.15)

# %%
example, truth = test_set[6]
with torch.no_grad():
    said = [net(normalise(example)[None])["out"][0].argmax(0)
            for net in nets.values()]
fig = pictures([truth, *said], ["truth", *nets], columns=2,
               classes=Harbour.classes)
fig.set_size_inches(fig.get_size_inches() * 0.8)
show(fig, alt="The truth of a harbour and the answers of FCN-32s, 16s and 8s: "
              "outlines grow sharper.", largest=50_000)

# %% [markdown]
# Boats, cars and people come out of the bands, and the skyline begins to show its roofs. Masts of 2 pixels do not appear,
# posts hardly: a stride of 8 is still four times their width.

# %% [markdown]
# ## 6. Relatives
#
# Three more ways up. **Max-unpooling** (SegNet) remembers *where* each maximum was, and puts it back there:

# %%
tile = torch.tensor([[1.0, 5.0, 2.0, 0.0],
                     [3.0, 4.0, 9.0, 6.0]])[None, None]  # (1, 1, 2, 4)
highest, where = F.max_pool2d(tile, 2, return_indices=True)
print("pooled:", highest.flatten().tolist(), "at", where.flatten().tolist())
back = torch.zeros(8).scatter(0, where.flatten(), highest.flatten())
back.view(2, 4).int()

# %% [markdown]
# 5 and 9 are back at their pixels, the rest is zero (`nn.MaxUnpool2d` does this to whole batches). No weights, and an edge
# stays where it was; the convolutions after it fill the gaps.
#
# **Pixel shuffle** learns four maps at the small size and deals them out to the pixels of each 2 x 2 square. That is a
# transposed convolution whose kernel is as large as its stride, so that stamps never overlap:

# %%
maps = torch.randn(1, 8, 5, 6)
up = nn.ConvTranspose2d(8, 3, kernel_size=2, stride=2, bias=False)
to_squares = nn.Conv2d(8, 3 * 4, 1, bias=False)  # 1 x 1
with torch.no_grad():
    to_squares.weight.copy_(up.weight.permute(1, 2, 3, 0).reshape(12, 8, 1, 1))
    shuffled = F.pixel_shuffle(to_squares(maps), 2)  # (1, 3, 10, 12)
    assert torch.allclose(shuffled, up(maps), atol=1e-6)

# %% [markdown]
# **Data-dependent upsampling** (DUpsampling) is a pixel shuffle whose weights are learnt from label pictures: which squares
# of labels occur at all. Both can say *where in its square* a thing stands, if the numbers of the cell have kept that. If
# not, they guess what is common.

# %% [markdown]
# ## A common mistake
#
# You want FCN's fixed enlargement and fill a transposed convolution with the bilinear kernel. The shape is right:

# %%
wrong = nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, bias=False)
with torch.no_grad():
    wrong.weight.copy_(bilinear_kernel(2))  # into all 3 x 3 pairs
    scores = torch.randn(1, 3, 6, 8)
    out = wrong(scores)  # (1, 3, 12, 16)
    right = BilinearUpsample(3, 2)(scores)  # in groups
assert out.shape == right.shape
assert torch.equal(out[:, 0], out[:, 1])
assert torch.equal(out[:, 0], out[:, 2])
assert torch.allclose(right, resize(scores, (12, 16)), atol=1e-6)
print("classes that win:", out.argmax(1).unique().tolist())
print("classes that win, in groups:", right.argmax(1).unique().tolist())

# %% [markdown]
# Every class got the *sum* of all classes: the three maps are the same, and the arg max, at a tie, is class 0 everywhere.
# After training it looks like a net that has learnt nothing but background. The kernel belongs on the pairs (0, 0), (1, 1),
# (2, 2), or in groups.

# %% [markdown]
# ## The failure curve
#
# The same recipe, three seeds each, harbours of all widths; scored on 200 test pictures at six widths:

# %%
from course_lib.show import failure_curve
from course_lib.training.cards import read_card

curve = read_card("curve_harbour_thin_fcn")
parts = {"mast": curve, **curve["others"]}
for name in ("mast", "lamp post"):
    part = {key: parts[name][key] for key in ("score", "methods")}
    show(failure_curve({**curve, **part}),
         alt=f"IoU of {name} against the width of poles for FCN-32s, FCN-16s "
             "and FCN-8s, with bars over three seeds.", largest=25_000)


def mean(name, net, px):
    seeds = list(parts[name]["methods"][net].values())
    return torch.tensor(seeds).mean(0)[curve["values"].index(px)].item()


for name, px in [("mast", 8), ("mast", 2), ("lamp post", 1), ("road", 2)]:
    print(f"{name}, {px} px:", [round(mean(name, net, px), 2) for net in nets])
weights = [sum(p.numel() for p in net.parameters()) for net in nets.values()]
print("weights:", weights)
assert max(mean("mast", "FCN-32s", px) for px in curve["values"]) < 0.005
assert max(mean("mast", net, 2) for net in nets) < 0.1

# %% [markdown]
# FCN-32s scores 0 on masts of every width; at 8 pixels FCN-16s reaches 0.25 and FCN-8s 0.52, with 1,560 more weights in
# 190,000. At 2 pixels all three stay below 0.1: a skip moves the width at which a net begins to see, it does not abolish it.
#
# Lamp posts tell the same story from 3 pixels on. At 1 pixel FCN-32s is ahead. Has it more skill?

# %%
finest = Cached(Harbour("test", 50, thin=1))
post = Harbour.classes.index("lamp post")
for name, bounds in {"FCN-32s": {"at_least": 1.3},
                     "FCN-16s": {"at_most": 0.2}}.items():
    matrix = evaluate_net(nets[name], finest).matrix  # truth in rows
    claim(f"{name}: pixels called lamp post, for each true one",
          matrix[:, post].sum() / matrix[post].sum(), **bounds, digits=1)

# %% [markdown]
# No: it paints a band along the quay, more pixels than there are, and hits some. FCN-16s hardly says the word. Look at
# predictions before you compare figures near zero.
#
# The road gained too, 0.2 by the first skip and 0.1 by the second. Three possible causes: outlines of large things are thin
# as well; a picture of 96 x 128 has only 3 x 4 cells at stride 32; the gradient has a shorter way to early layers. The curve
# cannot tell them apart.

# %% [markdown]
# ## On real data
#
# First, no net at all. What does a stride alone cost on real streets? The labels of CamVid's 233 test pictures (480 x 360),
# in squares, scored against themselves, poles also by their width. The card was made by
# `python -m course_lib.training.squares`:

# %%
from course_lib.show import card_table

streets = read_card("squares_camvid")
card_table(streets["squares"], {
    "side": "squares of", "mean_iou": "mean IoU", "class_iou.road": "road",
    "class_iou.car": "car", "class_iou.sign symbol": "sign",
    "class_iou.pole": "pole", "iou_by_width.to 2 px": "pole to 2 px",
    "iou_by_width.to 8 px": "4 to 8 px", "iou_by_width.wider": "wider"})
pole = {row["side"]: row["class_iou"]["pole"] for row in streets["squares"]}

# %% [markdown]
# The road can live with squares of 32; poles cannot live with squares of 8, and the narrow ones not even with 4. (Squares are
# no upper bound of the IoU: soft scores may do better.)
#
# Now two nets. A ResNet-18, scored at stride 32, and the same net with the two skips of FCN-8s; 24 channels wide, trained for
# 30 epochs on crops of 240 x 180 pixels, void ignored, one seed each:

# %%
rows = {row["net"]: row for row in read_card("table_camvid")["rows"]}
pair = ("ResNet-18-32s", "FCN-8s-ResNet-18")
camvid = {net: rows[net]["runs"]["30 epochs"]["0"] for net in pair}
card_table([{"net": net, **run} for net, run in camvid.items()], {
    "net": "net", "mean_iou": "mean IoU", "class_iou.road": "road",
    "class_iou.car": "car", "class_iou.sign symbol": "sign",
    "class_iou.pole": "pole", "iou_by_width.to 8 px": "4 to 8 px"})
without, skips = camvid.values()
print(f"weights added: {rows[pair[1]]['params'] - rows[pair[0]]['params']:,}")
assert 0.05 < skips["mean_iou"] - without["mean_iou"] < 0.09
assert without["class_iou"]["pole"] < 0.01 < skips["class_iou"]["pole"]

# %% [markdown]
# Seven points of mean IoU for 1,606 weights, and poles are no longer lost altogether; most of them still are.
#
# And on PASCAL VOC? Three published sets of mean IoU, in per cent, for 32s, 16s and 8s: the paper (a part of VOC 2011 val),
# and two open re-implementations (such a part of VOC 2012 val; all of it).

# %%
published = {"Long et al.": (59.40, 62.40, 62.70),
             "tf-image-segmentation": (62.70, 63.52, 63.65),
             "awesome-semantic-segmentation": (47.50, 49.16, 48.87)}
for name, (at32, at16, at8) in published.items():
    print(f"{name:30} 16s: {at16 - at32:+.2f}  8s: {at8 - at16:+.2f} points")

# %% [markdown]
# The first skip brings 0.8 to 3 points, the second 0.3 at most, and once it takes some away. The objects of VOC are large
# beside a cell, and it has no class *pole*; in the harbour the second skip doubled the IoU of masts of 8 pixels. Ask how
# large a cell is beside the things in *your* pictures.
#
# Where the photographs are at hand, the next cell measures the card again.

# %%
from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "camvid"
if folder and folder.is_dir():
    from course_lib.data.readers.camvid import CamVid
    from course_lib.training.squares import squares_card

    again = squares_card(CamVid(folder, "test"))["squares"]
    for row, kept in zip(again, streets["squares"], strict=True):
        assert abs(row["mean_iou"] - kept["mean_iou"]) < 1e-4
        assert abs(row["class_iou"]["pole"] - pole[row["side"]]) < 1e-4

# %% [markdown]
# ## Exercises
#
# ### Exercise 03.1: stamp
#
# Write a transposed convolution of a row by stamping: put `row[i] * kernel` down at place `i * stride`, and add where stamps
# overlap. `row` is (n,), `kernel` (k,), the answer ((n - 1) * stride + k,). The row 1, 10 under the kernel 1, 2, 3 with stride 1
# gives 1, 12, 23, 30.
#
# <details><summary>Hint 1</summary>
#
# Start from zeros of the right length. One pass of the loop is one stamp.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `out[i * stride:i * stride + k] += row[i] * kernel`: with `=` the second stamp would wipe out a part of the first.
#
# </details>

# %%
def stamp(row, kernel, stride):
    raise NotImplementedError

# %%
check("03.1", stamp)

# %% [markdown]
# ### Exercise 03.2: weights from the coarser net
#
# `finer` and `coarser` are state dicts (name to tensor). Return a pair: a state dict with the names of `finer`, in which each weight
# comes from `coarser` if it is there *with the same shape*, and is zero otherwise; and the sorted list of the names that got zeros.
# Leave both inputs as they are.
#
# <details><summary>Hint 1</summary>
#
# Walk through `finer.items()`. Two things must hold before you take a weight over.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.zeros_like(value)`; and `coarser[name].clone()`, so that training the finer net does not change the coarser.
#
# </details>

# %%
def grow(finer, coarser):
    raise NotImplementedError

# %%
check("03.2", grow)

# %% [markdown]
# ### Exercise 03.3: a defect, twice published
#
# Two open FCN libraries add their scores like this (one of them by a function of PyTorch that aligns corners silently):
#
# ```python
# def published(coarse, fine, size):  # (B, C, h, w), (B, C, 2h, 2w)
#     up = F.interpolate(coarse, fine.shape[2:], mode="bilinear",
#                        align_corners=True)
#     return F.interpolate(up + fine, size, mode="bilinear",
#                          align_corners=True)
# ```
#
# On the maps of a VGG this moves scores. Cell (1, 1) at stride 32 has its middle at row and column 47.5: make it the one hot cell of a
# `coarse` of 3 x 4 cells, add a `fine` of zeros, and see on which column of a picture of 96 x 128 the scores are centred. Then write
# `fuse` so that every score stays at the middle of its cell, and a `fine` of zeros leaves exactly the enlarged `coarse`.
#
# <details><summary>Hint 1</summary>
#
# `align_corners=False` cures the shift. One thing remains: twice is not at once (section 5).
#
# </details>
# <details><summary>Hint 2</summary>
#
# Enlarge both to `size`, then add.
#
# </details>

# %%
def fuse(coarse, fine, size):
    raise NotImplementedError

# %%
check("03.3", fuse)

# %% [markdown]
# Stuck? The [solutions](solutions/03_transposed_conv_upsampling.ipynb) are there to be read; those of the quiz stand there
# too.

# %% [markdown]
# ## Quiz
#
# 1. You enlarge a map by 5. How large is the bilinear kernel, and how many of its weights does one pixel of the output feel, along
#    one side?
# 2. A colleague gives FCN-32s a learnt transposed convolution, "so that it can draw masts". What do you expect, and why?
# 3. FCN-16s starts from FCN-32s with skip weights drawn at random instead of zero. What changes at step 0, and what for the
#    gradients?
#
# ## What you learned
#
# - You enlarged a row by inserting zeros and filtering, and saw what nearest, linear and sinc filters leave of the copies.
# - You wrote a convolution as a matrix; its transpose is the upsampling layer, and the gradient of the convolution.
# - You built the bilinear kernel for any factor; from other resizers it differs at the border and with aligned corners.
# - You measured a checkerboard, and chose a layer that cannot make one.
# - You extended FCN-32s to FCN-16s and FCN-8s from zero skips, and measured which objects gained.
#
# New in your hands: `convolution_matrix`, `bilinear_kernel`, `BilinearUpsample`, `start_from_coarser`, `in_squares`.
#
# The dial of this chapter in one picture, and [turning](figures/03.webp):
#
# ![Masts grow thin, from 8 pixels to 1. FCN-32s never finds one; FCN-8s finds them down to 4 pixels, and hardly below. Under the pictures, the measured IoU of masts against their width: flat at zero for FCN-32s, falling for FCN-8s.](figures/03.png)
#
# ## Read more
#
# - Dumoulin and Visin, [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285), 2016: chapter
#   4 draws the transposed ones.
# - Odena, Dumoulin and Olah, [Deconvolution and Checkerboard Artifacts](https://doi.org/10.23915/distill.00003), Distill 2016: section 4, with
#   pictures to play with.
# - Long, Shelhamer and Darrell, [Fully Convolutional Networks for Semantic
#   Segmentation](https://doi.org/10.1109/CVPR.2015.7298965), CVPR 2015: section 4.2 is our section 5; [our
#   notes](../literature/notes/03_upsampling.md) say where we differ.
# - Tian, He, Shen and Yan, [Decoders Matter for Semantic Segmentation](https://arxiv.org/abs/1903.02120), CVPR 2019: data-dependent upsampling.
