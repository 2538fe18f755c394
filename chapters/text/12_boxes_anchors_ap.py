# %% [markdown]
# # 12. A box for every thing, and a score you can trust
#
# Labelled pixels cannot count: two boats side by side are one patch of *boat*. This chapter builds what every detector is made of, from
# the overlap of two boxes to average precision, and trains three small detectors on the way, each the answer to what the one before could not do.
#
# ## What you will be able to do
#
# - convert boxes, move them with their picture, and compute four kinds of overlap
# - turn a classifier into a detector, with windows and with proposals, and keep one box for each thing
# - train a net that answers with four numbers, and say when one such answer is not enough
# - lay out anchors, match them to things, encode and decode offsets, and train a detector on them
# - compute average precision as PASCAL VOC and COCO do, and tell a score that proves nothing
#
# ## Before you start
#
# You need chapters 00 to 02; what comes from later ones is said where it is used. About 100 minutes; the cells run in about 45 seconds on a CPU.

# %%
# setup

# %% [markdown]
# ## The question
#
# In chapter 02 a classifier looked through a window of one size. If a window fits a thing, we have found the thing, and the window is its box. So take one window,
# 10 px high and 24 wide, a boat's shape, and put it everywhere, 2 px apart. We say it *can find* a thing if somewhere it overlaps it by half; section 1 says
# what that means.
#
# The dial `scale` is the size of the nearest things divided by that of the farthest.
#
# **Try it.** At which scale does one window find most boats and cars?

# %%
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import course_lib
from course_lib.data.classes import ClassTable
from course_lib.data.transforms import normalise
from course_lib.detection.boxes import box_iou, recall
from course_lib.detection.sliding import windows
from course_lib.detection.studies.scale_anchors import BroadThings
from course_lib.show import draw_detections, explore, show
from course_lib.teaching import check, claim
from course_lib.training.stream import Cached

world = course_lib.world("harbour", task="detection")  # or "real"
FOUND = ClassTable("found", ("missed", "found"),
                   ((213, 94, 0), (0, 158, 115)))


def one_window(scale):
    image, target = BroadThings("test", scale=scale)[14]  # boats, cars, people
    places = windows(image.shape, (10, 24), stride=2)
    best = box_iou(places, target["boxes"]).amax(dim=0)  # (things,)
    shown = {"boxes": target["boxes"], "labels": (best >= 0.5).long()}
    fig = draw_detections(image, shown, classes=FOUND, tags="none")
    fig.set_size_inches(fig.get_size_inches() * 0.75)
    return fig


explore(one_window, scale=[1, 3, 8], largest=36_000,
        alt="Boxes of boats, cars and people at scale 1, 3 and 8, in green "
            "where the window fits. At 8 the far boats are missed, and at "
            "every scale all people.")

# %%
places = windows((96, 128), (10, 24), stride=2)
for scale in (1, 3, 8):
    targets = [BroadThings("test", 50, scale=scale)[i][1] for i in range(50)]
    boxes = torch.cat([t["boxes"] for t in targets]).as_subclass(Tensor)
    labels = torch.cat([t["labels"] for t in targets])
    # recall: the share of the things that some window overlaps by half
    shares = [recall(places, boxes[labels == kind]) for kind in (1, 2, 3)]
    print(f"scale {scale}: boat {shares[0]:.2f}, car {shares[1]:.2f}, "
          f"person {shares[2]:.2f}")

# %% [markdown]
# One size will do for boats of one size: at scale 8 it misses most of them. Cars suit it best at 3. People, tall and narrow, are never found. A detector needs boxes of many sizes and shapes, everywhere; it needs
# them cheap; and it must say *one* box for each thing. That is the plan of the chapter.

# %% [markdown]
# ## 1. Four numbers, and how much two boxes share
#
# A box is four numbers, and there are three habits: the corners (**xyxy**), corner and size (**xywh**, COCO's), centre and size (**cxcywh**, anchors' and YOLO's).
# Ours are xyxy in pixels, origin top left. x2 is the first column *behind* the box, so that x2 - x1 is its width.

# %%
from course_lib.detection.boxes import xyxy_to_cxcywh, xyxy_to_xywh

box = torch.tensor([[1.0, 1, 5, 4]])
print("xywh  ", xyxy_to_xywh(box).tolist()[0])
print("cxcywh", xyxy_to_cxcywh(box).tolist()[0])

# %% [markdown]
# The overlap of two boxes is the **intersection over union** of chapter 01, with areas for pixel counts: the area both share, divided by the area they cover together.
# To *overlap by half* means an IoU of at least 0.5.

# %%
def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return shared / (sum(areas) - shared)


a, b, c = [1, 1, 5, 4], [3, 2, 7, 6], [6, 5, 9, 9]
print(f"a and b: 4 / (12 + 16 - 4) = {iou(a, b):.3f}")
print(f"a and c: {iou(a, c)}")

# %%
from torchvision import ops

boxes = torch.tensor([a, b, c]).float()
table = box_iou(boxes, boxes)  # (3, 3)
by_loops = torch.tensor([[iou(x, y) for y in (a, b, c)] for x in (a, b, c)])
torch.testing.assert_close(table, by_loops)
torch.testing.assert_close(table, ops.box_iou(boxes, boxes))
table.round(decimals=3)

# %% [markdown]
# Without the `max(0, ...)`, a and c would have two negative sides, and a positive area. The 0 of a and c has a weakness: it stays 0 however far the two are apart. A net whose box
# misses gets no hint where to go. Three cousins mend that. Draw the smallest box that encloses both. **GIoU** is the IoU less the share of that box that neither covers. **DIoU** is the IoU less
# the squared distance of the centres, divided by the squared diagonal of that box. **CIoU** also punishes a wrong shape.
#
# **Try it.** Push the second box away. Which figures still move?

# %%
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib.detection.boxes import KINDS, paired_iou


def two_boxes(apart):
    pair = torch.tensor([[0.0, 0, 10, 10], [apart, 3, apart + 14, 10]])
    fig = Figure(figsize=(4, 1.9), layout="constrained")
    ax = fig.subplots()
    for (x1, y1, x2, y2), colour in zip(pair, ("C0", "C1"), strict=True):
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, alpha=0.5,
                               color=colour))
    values = [paired_iou(pair[:1], pair[1:], kind).item() for kind in KINDS]
    words = [f"{k}: {v:.2f}" for k, v in zip(KINDS, values, strict=True)]
    ax.set(xlim=(-1, 45), ylim=(11, -1), aspect="equal", xticks=[], yticks=[],
           title="  ".join(words))
    return fig


explore(two_boxes, apart=[2, 8, 14, 22, 30], largest=22_000,
        alt="Two boxes that overlap, touch and are apart, with IoU, GIoU, "
            "DIoU and CIoU; the IoU stays 0 once they do not meet.")

# %%
truth = torch.tensor([[0.0, 0, 10, 10]])
for kind in KINDS:
    guess = torch.tensor([[22.0, 3, 36, 10]], requires_grad=True)
    paired_iou(guess, truth, kind).sum().backward()
    print(f"{kind}: gradient of x1 {guess.grad[0, 0]:.3f}")

# %% [markdown]
# The IoU's gradient is nought. Those of the others are negative: with a smaller x1 the figure rises, *go left*. As losses, 1 minus each, they return in chapter 15.
#
# **Boxes move with their picture.** torchvision's `transforms.v2` does that, as long as it knows that they are boxes: our targets carry
# `tv_tensors.BoundingBoxes`. A box from x1 to x2 goes to W - x2, W - x1. There is a trap in it, the last two lines:

# %%
from torchvision.transforms import v2

image, target = world.dataset("test", size=(96, 128))[14]
mirror = v2.RandomHorizontalFlip(p=1.0)
before = target["boxes"].as_subclass(Tensor)
after = mirror(image, target)[1]["boxes"]
torch.testing.assert_close(after.as_subclass(Tensor)[:, 0],
                           128 - before[:, 2])
sliced = target["boxes"][:1]
left_behind = mirror(image, {"boxes": sliced})[1]["boxes"]
print(type(sliced).__name__, torch.equal(left_behind, sliced))

# %% [markdown]
# Slicing gave a plain tensor. The picture was mirrored, the box was not, and nothing was said. (`keep_objects` of `course_lib` selects and keeps the type; `as_subclass(Tensor)` drops it on purpose.)
#
# A crop poses a question that no library can answer: is a boat of which a tenth is left still a boat? `v2` cuts boxes at the edge and keeps them all. Our rule drops what
# has less than a `share` of its area left.

# %%
from course_lib.detection.box_crop import RandomBoxCrop

cuts = []
for share in (0.01, 0.5):
    torch.manual_seed(3)
    cuts.append(RandomBoxCrop((60, 80), share)(image, target))
counts = [len(cut["boxes"]) for _, cut in cuts]
fig = draw_detections([cut for cut, _ in cuts], [cut for _, cut in cuts],
                      classes=world.classes, tags="none", alpha=0,
                      titles=[f"{n} things" for n in counts])
show(fig, alt="One crop twice: with the boxes of everything in it, and "
     "without those of things that are mostly outside.", largest=28_000)

# %% [markdown]
# Look at the lower edge: in the left picture two slivers of cars have a box, in the right one none has. What a sliver teaches is that a strip of roof and road is a car.

# %% [markdown]
# ## 2. A classifier looks through a window
#
# Now a detector for cars. A window has one size, but we can shrink the picture: on a copy at three quarters, the same window covers a thing a third larger. The copies
# form a **pyramid**; the pixels under every window of every copy go to a classifier.

# %%
from course_lib.detection.sliding import examples, pyramid, sliding_window

WINDOW = (8, 18)  # px, about a far car
train = Cached(BroadThings("train", 60))
test = Cached(BroadThings("test", 50))
image, target = test[14]
for level, scale in pyramid(image / 255, WINDOW, factor=0.75):
    count = len(windows(level.shape, WINDOW, stride=2))
    print(f"{level.shape[2]:3} x {level.shape[1]:2} px: {count:4} windows of "
          f"{18 * scale[0]:.0f} x {8 * scale[1]:.0f} px")

# %% [markdown]
# The examples to learn from are windows of training pictures: *car* where the IoU with a car is at least 0.5, *background* where it is
# below 0.3 (100 windows of a picture), and the doubtful ones between are left out.

# %%
torch.manual_seed(0)
parts = []
for x, t in train:
    cars = t["boxes"][t["labels"] == 2].as_subclass(Tensor)
    parts.append(examples(normalise(x), cars, WINDOW, background=100))
x, y = (torch.cat(part) for part in zip(*parts, strict=True))
classifier = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 2 * 4, 32), nn.ReLU(), nn.Linear(32, 2))
optimiser = torch.optim.AdamW(classifier.parameters(), lr=3e-3)
for _ in range(400):
    i = torch.randint(len(x), (128,))
    loss = F.cross_entropy(classifier(x[i]), y[i])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
claim("loss of the classifier at the end", loss.item(), at_most=0.2)

# %%
def look(image):
    """Boxes and scores of all windows that say car."""
    boxes, p = sliding_window(classifier, normalise(image), WINDOW, stride=2)
    car = p[:, 1] > 0.9
    return boxes[car], p[car, 1]


boxes, scores = look(image)
kept = ops.nms(boxes, scores, 0.3)  # in a minute
shown = [{"boxes": b, "labels": torch.full((len(b),), 2), "scores": s}
         for b, s in ((boxes, scores), (boxes[kept], scores[kept]))]
fig = draw_detections([image, image], shown, classes=test.classes,
                      titles=["all windows that say car", "the best ones"],
                      tags="none")
show(fig, alt="Left every car is framed many times over; right a few "
     "are left on each, and some on a boat, on people and on a wall.",
     largest=40_000)
claim("windows that say car, for each that is kept",
      len(boxes) / len(kept), at_least=3)

# %% [markdown]
# The classifier takes a boat, people and a wall for cars, and it is right many times over: a window moved by 2 px shows the same car. **Non-maximum suppression** (NMS) keeps the best box, drops all that
# overlap it too much, and goes on with the best of the rest. (Several stay on one car here: small windows, each on another part of it, overlap each other by less than the threshold.) Three boxes, on paper: the second has an IoU of 0.43 with the first, the third is elsewhere.

# %%
def nms(boxes, scores, threshold):
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if iou(boxes[best], boxes[i]) <= threshold]
    return kept


three = [[0, 0, 10, 20], [4, 0, 14, 20], [30, 0, 40, 20]]
p = [0.9, 0.8, 0.7]
print("IoU", round(iou(three[0], three[1]), 2))
print("threshold 0.3 keeps", nms(three, p, 0.3))
print("threshold 0.5 keeps", nms(three, p, 0.5))

# %% [markdown]
# Which threshold is right? If boxes 0 and 1 are two answers for one person, 0.3; if they are two people, one half behind the other, 0.5. NMS cannot know. **Soft-NMS** drops nothing:
# it multiplies the score of what overlaps by exp(-IoU² / 0.5), and leaves the choice to you. **Class-wise** NMS lets boxes of different classes live together: a person in a boat.

# %%
from course_lib.detection.nms import class_wise_nms, soft_nms
from course_lib.detection.nms import nms as library_nms

corners, p = torch.tensor(three).float(), torch.tensor(p)
for t in (0.3, 0.5):
    assert library_nms(corners, p, t).tolist() == nms(three, p.tolist(), t)
    assert library_nms(corners, p, t).equal(ops.nms(corners, p, t))
order, softened = soft_nms(corners, p)
by_hand = 0.8 * torch.exp(-torch.tensor(iou(*three[:2])) ** 2 / 0.5)
print("soft:", order.tolist(), [round(s, 2) for s in softened.tolist()])
torch.testing.assert_close(softened[order == 1][0], by_hand)
labels = torch.tensor([3, 1, 3])  # a person, a boat, a person
print("class-wise:", class_wise_nms(corners, p, labels, 0.3).tolist())

# %% [markdown]
# ## 3. Look only where it is worth it
#
# The window worked for cars because it has their shape. For people it must be tall, and every shape multiplies the thousands of windows. **Selective search** (Uijlings et al., 2013)
# asks the picture where things may be. It cuts the picture into small regions of one colour, joins the two most similar neighbours again and again until one region is left,
# and takes the box of every region on the way. No learning is in it.

# %%
from skimage.color import label2rgb
from skimage.segmentation import felzenszwalb

from course_lib.detection.selective_search import selective_search

image, target = world.dataset("test", size=(96, 128))[14]
pixels = image.permute(1, 2, 0).numpy()  # (96, 128, 3)
regions = felzenszwalb(pixels, 60, sigma=0.5, min_size=10)
proposals = selective_search(image)
best = box_iou(proposals, target["boxes"]).argmax(dim=0)  # (things,)
print(f"{regions.max() + 1} regions, {len(proposals)} proposals")
fig = draw_detections(
    [label2rgb(regions, pixels, kind="avg", bg_label=-1), image],
    [{"boxes": proposals[:0], "labels": target["labels"][:0]},
     {"boxes": proposals[best], "labels": target["labels"]}],
    classes=world.classes, tags="none",
    titles=["first regions", "best proposal for each thing"])
show(fig, alt="A picture cut into small regions, and the proposals that "
     "overlap its things best; some fit, some hold half a thing.",
     largest=36_000)

# %% [markdown]
# A few hundred boxes instead of thousands, of every size and shape. Some fit closely, some hold a cabin for a boat: what has several colours comes in parts.
#
# **R-CNN** (Girshick et al., 2014) warps the pixels of each proposal to one size and asks a classifier. Ours is small, and has a second answer that the next two sections explain: how the box should
# move to fit better. It learns boats, cars and people from 60 pictures.

# %%
from course_lib.detection.region_cnn import RegionCNN

proposed = [selective_search(image) for image, _ in train]


def train_detector(detector, steps, batch, lr):
    torch.manual_seed(0)
    parameters = [p for p in detector.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=lr)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, steps)
    sums = []
    for _ in range(steps):
        losses = detector.train()(*batch())
        loss = sum(losses.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
        sums.append(loss.item())
    return torch.tensor(sums), detector.eval()


def four_pictures():
    i = torch.randint(len(train), (4,)).tolist()
    images = [train[k][0].as_subclass(Tensor) / 255 for k in i]
    return images, [{**train[k][1], "proposals": proposed[k]} for k in i]


torch.manual_seed(0)
losses, region_cnn = train_detector(RegionCNN(3), 100, four_pictures, 3e-3)
claim("loss, last ten steps over first ten",
      losses[-10:].mean() / losses[:10].mean(), at_most=0.6)

# %%
@torch.no_grad()
def what_it_finds(detector, i, threshold=0.5):
    image, target = test[i]
    found = detector([image.as_subclass(Tensor) / 255])[0]
    fig = draw_detections(
        [image, image], [target | {"masks": target["masks"][:0]}, found],
        classes=test.classes, tags="none", threshold=threshold,
        titles=["truth", "found"])
    return fig


show(what_it_finds(region_cnn, 14), alt="Truth and what the R-CNN found: "
     "most cars and people, hardly a boat, and several boxes that are "
     "wrong.", largest=32_000)

# %% [markdown]
# Drawn is what has a score of 0.5 or more. Most cars are found, and people where a proposal held one; parts of a car are taken for cars and even for boats, and the true boats are missed:
# a proposal seldom holds one whole.

# %% [markdown]
# ## 4. A net that answers with four numbers
#
# R-CNN pays for every box. Could a net look at the whole picture once and *say* the box? We take most things out of the harbour and leave one. A backbone that has learnt to see, the ResNet-18
# of chapter 06, is **frozen**, and two heads are set on its map. A 1x1 convolution and a softmax give each cell a weight: where to look. With these weights we average the cells' places, a first
# guess of the centre, and their features. From the features the **box head** moves the centre and says the size: four numbers, cxcywh in shares of the picture. The **class head** says what it is. The
# losses are 1 - GIoU (*overlap*), the mean difference of the four numbers (*distance*) and cross-entropy (*class*). Frozen features never change, so they are computed once.

# %%
from course_lib.detection.box_regression import FewThings, TwoHeads
from course_lib.detection.box_regression import examples as few_things
from course_lib.detection.boxes import cxcywh_to_xyxy
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net

resnet, _ = load_net(weights_dir() / "resnet18_8s_harbour.safetensors")
torch.manual_seed(0)
net = TwoHeads(resnet.backbone, 128, num_classes=3).train()
x, boxes, labels = few_things(FewThings("train", 200))
features = net.features(x)  # (n, 128, 12, 16)
heads = [p for p in net.parameters() if p.requires_grad]
optimiser = torch.optim.AdamW(heads, lr=0.01)
for _ in range(250):
    i = torch.randint(len(x), (32,))
    losses = net.losses(features[i], boxes[i, 0], labels[i, 0])
    optimiser.zero_grad()
    sum(losses.values()).backward()
    optimiser.step()
print("losses:", ", ".join(losses))

# %%
def share_found(things):
    """Share of the things whose box is found, pictures, answers, classes."""
    x, boxes, labels = few_things(FewThings("test", 80, things))
    with torch.no_grad():
        answers, logits = net.eval().heads(net.features(x))
    answers = cxcywh_to_xyxy(answers)
    hit = [paired_iou(answers, cxcywh_to_xyxy(boxes[:, k])) >= 0.5
           for k in range(things)]
    right = (logits.argmax(1) + 1 == labels[:, 0]).float().mean()
    return torch.cat(hit).float().mean(), x, answers, right


one, x_one, boxes_one, right = share_found(1)
two, x_two, boxes_two, _ = share_found(2)
claim("one thing: share of right classes", right, at_least=0.8)
claim("one thing: share found with an IoU of 0.5", one, at_least=0.3)
claim("two things: share found", two, at_most=0.25)

# %%
size = torch.tensor([128.0, 96, 128, 96])
shown = [{"boxes": b[None] * size, "labels": torch.ones(1).long()}
         for b in (*boxes_one[1:4], *boxes_two[1:4])]
fig = draw_detections([*x_one[1:4], *x_two[1:4]], shown, columns=3,
                      classes=ClassTable("answer", ("", "answer"),
                                         FOUND.palette), tags="none")
show(fig, alt="Above three harbours with one thing, boxed more or less well; "
     "below three with two things: the box is on one of them or between.",
     largest=36_000)

# %% [markdown]
# With one thing the box lands on it or near it, and the class is mostly right. With two (lower row) there is still one box to say: it takes one of them, or lies *between* them as in the last picture. On paper: two cars of one size, left and right. The
# answer that is least wrong on average is the mean of the two boxes, in the middle, with an IoU of 0 with either.
#
# The way out is to give every *place* of the map a box of its own: the thing whose centre lies in a cell is that cell's task. YOLO's
# first version did just that, on a grid of 7 x 7 (exercise 12.2). With several boxes of different shapes in each cell we get anchors.

# %% [markdown]
# ## 5. Anchors
#
# An **anchor** is a box to begin from. Around the centre of every cell we lay boxes of a few sizes (roots of the area) and ratios (height over width): sliding windows of all
# shapes, but on a map, so that one pass of the net answers for all. The smallest case: one cell of 16 px, size 16, ratios 1 and 4.

# %%
from course_lib.detection.anchors import anchor_grid, decode, encode, match

print(anchor_grid((1, 1), stride=16, sizes=[16], ratios=[1, 4]).tolist())
anchors = anchor_grid((24, 32), 4, sizes=(8, 16, 32), ratios=(0.4, 1, 2.5))
print(f"24 x 32 cells, 9 anchors each: {len(anchors):,}")
assert len(anchors) == 24 * 32 * 9

# %% [markdown]
# The second is 8 x 32: the same area, four times as high as wide. **Matching** decides what an anchor learns: the thing it overlaps most (its number, from 0) if the IoU is 0.5 or more, *background* (-1) if it is
# below 0.4, and nothing (-2) in the **ignore band** between. Last, a clause: every thing keeps its best anchor, however bad. Three anchors, two things:

# %%
overlaps = torch.tensor([[0.6, 0.1],
                         [0.45, 0.2],
                         [0.0, 0.3]])  # (3 anchors, 2 things)
print("by IoU alone:   ", match(overlaps, 0.5, 0.4).tolist())
print("with best kept: ", match(overlaps, 0.5, 0.4, keep_best=True).tolist())

# %% [markdown]
# Without the clause thing 1 would never be learnt. **Try it.** Which things get many anchors, which hardly one? Green anchors learn a thing; orange ones are in the ignore band (by IoU alone, without the clause).

# %%
image, target = test[14]
ROLES = ClassTable("roles", ("ignored", "learns"), FOUND.palette)


KINDS_OF = {"8 px, tall": (8, 2.5), "8 px, flat": (8, 0.4),
            "16 px, flat": (16, 0.4), "32 px, flat": (32, 0.4),
            "16 px, square": (16, 1)}  # size, ratio


def anchors_of(anchor):
    size, ratio = KINDS_OF[anchor]
    some = anchor_grid((24, 32), 4, [size], [ratio])
    found = match(box_iou(some, target["boxes"]), 0.5, 0.4)
    kept = found != -1
    shown = {"boxes": some[kept], "labels": (found[kept] >= 0).long()}
    fig = draw_detections(image, shown, classes=ROLES, tags="none")
    fig.axes[0].set_title(f"{(found >= 0).sum()} learn, "
                          f"{(found == -2).sum()} ignored")
    fig.set_size_inches(fig.get_size_inches() * 0.75)
    return fig


explore(anchors_of, anchor=list(KINDS_OF), largest=36_000,
        alt="Anchors that learn a thing or are ignored: tall ones of 8 px on "
        "people, flat ones of 16 px on near cars and boats; of square ones "
        "hardly any learns.")

# %% [markdown]
# Near cars and boats get several flat anchors, the far boats none (the clause will give each one), a person one tall one or none; square ones are mostly ignored. Even a matched anchor seldom fits. So the net also says how to move it, in the anchor's own measure: the way of the centre in widths and heights, the logarithm of the factors of width and
# height. On paper: from [0, 0, 16, 16] to [4, 0, 36, 8]. The centre goes 12 px right, 0.75 widths, and 4 px up, -0.25 heights; the width doubles, the height halves.

# %%
start = torch.tensor([[0.0, 0, 16, 16]])
goal = torch.tensor([[4.0, 0, 36, 8]])
deltas = encode(goal, start)
print([round(d, 3) for d in deltas[0].tolist()])
assert deltas[0, 2:].allclose(torch.tensor([2.0, 0.5]).log())
torch.testing.assert_close(decode(deltas, start), goal)

# %% [markdown]
# 0.693 is the logarithm of 2. `decode` leads back. Now all parts are there. The detector is a ResNet-18 whose four maps are added up at stride 4, as the skips of chapter 03; one
# 1x1 convolution gives each anchor a score for each class and the background, another gives it four offsets. Of the thousands of background anchors only the hardest count, those with the highest loss, three for each
# one that learns a thing. From random weights:

# %%
from course_lib.detection.anchor_detector import AnchorDetector

torch.manual_seed(0)
losses, anchor_detector = train_detector(
    AnchorDetector(3), 150, four_pictures, 3e-3)
claim("loss, last ten steps over first ten",
      losses[-10:].mean() / losses[:10].mean(), at_most=0.5)
show(what_it_finds(anchor_detector, 14), alt="Truth and what the anchor "
     "detector found: boats and cars, some twice, no people.", largest=32_000)

# %% [markdown]
# Ten looks at each of 60 pictures, and boats and cars are found in one pass, some cars twice. Of the people, 4 px wide, hardly one has a score of 0.5 yet.

# %% [markdown]
# ## 6. Average precision
#
# Which of our three detectors, windows, R-CNN or anchors, is best? One that says more boxes finds more and errs more. So we judge it at *every* threshold of the score. Sort all detections by score. A detection is **right** if it
# overlaps a thing of its class by half, and no better-scored one has taken that thing; two boxes on one car are one right and one wrong. An example by hand: two pictures, four boats of
# 10 x 10 px (D is larger), five detections, moved by so many pixels.

# %%
truths = [(1, [10, 10, 10, 10]), (1, [40, 10, 10, 10]),  # A, B: xywh
          (2, [10, 10, 10, 10]), (2, [40, 40, 40, 40])]  # C, D
found = [(1, [11, 10, 10, 10], 0.9),  # A, moved by 1
         (1, [12, 10, 10, 10], 0.8),  # A again
         (2, [13, 10, 10, 10], 0.7),  # C, moved by 3
         (2, [70, 10, 10, 10], 0.6),  # nothing there
         (1, [40, 10, 10, 10], 0.5)]  # B


def corners(box):
    x, y, width, height = box
    return [x, y, x + width, y + height]


def hits(limit):
    taken, right = set(), []
    for picture, box, _ in found:  # by falling score
        overlaps = {k: iou(corners(box), corners(thing))
                    for k, (where, thing) in enumerate(truths)
                    if where == picture and k not in taken}
        best = max(overlaps, key=overlaps.get, default=None)
        right.append(best is not None and overlaps[best] >= limit)
        if right[-1]:
            taken.add(best)
    return right


print("IoU 0.5:", hits(0.5))
print("IoU 0.75:", hits(0.75))

# %% [markdown]
# C was moved by 3 px, an IoU of 7/13 = 0.54: right at 0.5, wrong at 0.75. After each detection, **precision** is the share of right ones so far, **recall** the share of the four boats found.

# %%
def curve(right, wanted):
    right = torch.tensor(right).cumsum(0)
    return right / wanted, right / torch.arange(1, len(right) + 1)


rec, prec = curve(hits(0.5), 4)
print("recall   ", [round(r, 2) for r in rec.tolist()])
print("precision", [round(p, 2) for p in prec.tolist()])


def best_at(recall, rec, prec):
    """Best precision among all points with that recall or more."""
    return max([p for r, p in zip(rec.tolist(), prec.tolist(), strict=True)
                if r >= recall - 1e-9], default=0.0)


eleven = sum(best_at(k / 10, rec, prec) for k in range(11)) / 11
area = sum(0.25 * best_at(r, rec, prec) for r in (0.25, 0.5, 0.75, 1))
coco = sum(best_at(k / 100, rec, prec) for k in range(101)) / 101
print(f"VOC, 11 points {eleven:.4f}, VOC, all points {area:.4f}, "
      f"COCO, 101 points {coco:.4f}")

# %% [markdown]
# **Average precision** (AP) is the area under this curve, once its teeth are filled: at every recall we take the best precision from there on. VOC read the curve at 11
# recalls until 2009, and takes all points since; COCO reads it at 101. Three conventions, three numbers, one detector:

# %%
from course_lib.detection.average_precision import voc_average_precision

assert abs(voc_average_precision(rec, prec, points=11) - eleven) < 1e-6
assert abs(voc_average_precision(rec, prec) - area) < 1e-6
fig = Figure(figsize=(5.6, 2.7), layout="constrained")
ax, grid = fig.subplots(), torch.linspace(0, 1, 401).tolist()
ax.fill_between(grid, [best_at(r, rec, prec) for r in grid], alpha=0.3,
                label="area: AP", step="pre")
ax.plot(rec, prec, "o-", label="after each detection")
ax.plot([k / 10 for k in range(11)],
        [best_at(k / 10, rec, prec) for k in range(11)], "x", markersize=8,
        label="11 points")
ax.set(xlabel="recall", title="precision", ylim=(-0.05, 1.08))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="Precision against recall with teeth, the filled envelope as "
     "steps, and the eleven points.", data=[rec, prec], largest=20_000)

# %% [markdown]
# COCO's headline **AP** is the mean over ten limits of IoU, 0.5, 0.55, ... 0.95 (and over the classes); **AP50** is that of the first alone. Ours by hand, the library's, and pycocotools':

# %%
from contextlib import redirect_stdout
from io import StringIO

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from course_lib.detection.average_precision import evaluate
from course_lib.detection.report import STAT_NAMES

limits = [0.5 + 0.05 * k for k in range(10)]
by_hand = []
for limit in limits:
    pair = curve(hits(limit), 4)
    by_hand.append(sum(best_at(k / 100, *pair) for k in range(101)) / 101)
boats = {"images": [{"id": 1}, {"id": 2}],
         "categories": [{"id": 1, "name": "boat"}],
         "annotations": [
             {"id": k + 1, "image_id": where, "category_id": 1, "bbox": box,
              "area": box[2] * box[3], "iscrowd": 0}
             for k, (where, box) in enumerate(truths)]}
results = [{"image_id": where, "category_id": 1, "bbox": box, "score": score}
           for where, box, score in found]


def pycocotools_says(truth, results):
    with redirect_stdout(StringIO()):  # it prints a lot
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "bbox")
        judge.evaluate(), judge.accumulate(), judge.summarize()
    return judge.stats


report = evaluate(boats, results)
assert abs(report.stats - pycocotools_says(boats, results)).max() < 1e-9
assert abs(report.stats[0] - sum(by_hand) / 10) < 1e-6
for k in range(0, 12, 3):
    row = zip(STAT_NAMES[k:k + 3], report.stats[k:k + 3], strict=True)
    print("  ".join(f"{name:9} {value:6.3f}" for name, value in row))

# %% [markdown]
# All twelve agree. *Small* is below 32² px, *medium* to 96², by the area of the thing; in such a figure things of another size neither count nor harm. -1 means there was nothing to find. **AR**, average recall, is the mean recall over the ten limits, with at most
# 1, 10 or 100 detections a picture. D is medium, and missed: AP_medium is 0.
#
# One rule is left. Where nobody could draw each of two hundred people, COCO draws one **crowd**. A detection in it is neither right nor wrong; it does not count. Let us put a crowd
# where the fourth detection found nothing:

# %%
crowd = {"id": 9, "image_id": 2, "category_id": 1, "iscrowd": 1,
         "bbox": [60, 0, 40, 40], "area": 1600}
with_crowd = boats | {"annotations": [*boats["annotations"], crowd]}
report = evaluate(with_crowd, results)
assert abs(report.stats - pycocotools_says(with_crowd, results)).max() < 1e-9
print(f"AP50 {report.stats[1]:.3f}; by hand "
      f"{(26 * 1 + 25 * 0.75 + 25 * 0.75) / 101:.3f}")

# %% [markdown]
# Three of four instead of three of five. And now our three detectors, on 50 test pictures (*less* means minus):

# %%
from course_lib.detection.coco_format import to_coco, to_results


def cars_by_window(images):
    found = []
    for image in images:
        boxes, scores = look(image)
        kept = ops.nms(boxes, scores, 0.3)
        found.append({"boxes": boxes[kept], "scores": scores[kept],
                      "labels": torch.full((len(kept),), 2)})
    return found


@torch.no_grad()
def scores_of(detector, dataset):
    """AP50 of boat, car and person."""
    images = [x.as_subclass(Tensor) / 255 for x, _ in dataset]
    found = [detector([image])[0] for image in images]
    ids = [target["image_id"] for _, target in dataset]
    report = evaluate(to_coco(dataset), to_results(found, ids))
    return {kind: report.per_class[kind]["AP50"]
            for kind in ("boat", "car", "person")}


by_window = scores_of(cars_by_window, test)
by_region = scores_of(region_cnn, test)
by_anchor = scores_of(anchor_detector, test)
claim("R-CNN less windows, AP50 of car",
      by_region["car"] - by_window["car"], at_least=0.2)
claim("anchors: AP50 of car", by_anchor["car"], at_least=0.75)
claim("anchors less R-CNN, AP50 of car",
      by_anchor["car"] - by_region["car"], at_least=0.05)
claim("R-CNN: AP50 of boat", by_region["boat"], at_most=0.2)
claim("anchors less R-CNN, AP50 of boat",
      by_anchor["boat"] - by_region["boat"], at_least=0.2)
for name, scores in (("R-CNN", by_region), ("anchors", by_anchor)):
    claim(f"{name}: AP50 of person", scores["person"], at_most=0.5)

# %% [markdown]
# Windows see the cars, but their boxes sit where the grid of windows allows, and in the picture of section 2 the smallest won. R-CNN's are moved into place. Boats it hardly finds at all: hull, cabin and stripe differ in colour, so a proposal seldom
# holds the whole boat. The anchor detector needs no proposals, looks once, and is best on cars and boats. People, 4 px wide, are hard for both.

# %% [markdown]
# ## A common mistake
#
# One of the projects behind this course trained its anchor detector on the *validation* list of PASCAL VOC, looked at the boxes on one picture, and was done; there was no AP. What would one
# have shown? Our detector, on the 60 pictures that it learnt from and on the 50 it never saw:

# %%
on_train = scores_of(anchor_detector, train)
for kind in ("boat", "person"):
    claim(f"AP50 of {kind}, training pictures less test pictures",
          on_train[kind] - by_anchor[kind], at_least=0.05)

# %% [markdown]
# The score on known pictures is higher, and proves nothing: a detector that learnt them by heart would have 1. A picture with good-looking boxes proves less. Two lines prevent both: measure, and
# compare the pictures themselves, since names can differ where pictures do not.

# %%
seen, judged = ({bytes(image.numpy()) for image, _ in part}
                for part in (train, test))
print(f"{len(seen)} and {len(judged)} pictures, "
      f"{len(seen & judged)} in both")

# %% [markdown]
# ## The failure curve
#
# What do anchors owe to their sizes? Two sets, **one** square anchor of 16 px in a cell, and the **nine** of section 5; and two rules, with and without the clause that every thing keeps its best
# anchor (without: *IoU alone*). Four detectors, three seeds, trained on harbours of every `scale`. First, without any net: the share of things that an anchor overlaps by half, at scales 1, 2, 4, 6 and 8.

# %%
from course_lib.show import failure_curve
from course_lib.training.cards import read_card

card = read_card("curve_harbour_scale_anchors")
assert card["values"] == [1, 2, 4, 6, 8]
for name in ("one anchor", "nine anchors"):
    print(f"{name:13}", [f"{x:.2f}" for x in card["reachable"][name]])

# %%
show(failure_curve(card), alt="Recall against scale for one and nine anchors, "
     "with and without the rule that keeps the best.", largest=16_000)

# %%
def runs(part):
    return [torch.tensor(list(part["methods"][name].values()))  # (3, 5)
            for name in ("one anchor", "nine anchors",
                         "one anchor, IoU alone", "nine anchors, IoU alone")]


one, nine, one_strict, nine_strict = runs(card)
assert max(card["reachable"]["one anchor"]) < 0.14
assert one.min() > 0.77 and (one.mean(0) - nine.mean(0)).abs().max() < 0.02
assert one_strict[:, 1].min() > 0.6 and one_strict[:, -1].max() < 0.38
people = runs(card["others"]["recall of person"])
assert people[2].max() == 0 and people[0].min() > 0.65
gain = nine.mean(0) - nine_strict.mean(0)
assert 0.02 < gain.min() and gain.max() < 0.05
ap_one, ap_nine = (x.mean(0) for x in runs(card["others"]["AP"])[:2])
print(f"AP, mean over the dial: one anchor {ap_one.mean():.2f}, "
      f"nine {ap_nine.mean():.2f}; at scale 8: {ap_one[-1]:.2f}, "
      f"{ap_nine[-1]:.2f}")

# %% [markdown]
# The surprise is the line at the top. One square anchor overlaps 13 things in a hundred by half, at most, and yet that detector finds more than 77 in a hundred, everywhere on the dial, as many as the one with nine. The clause does
# it: every thing teaches its best anchor, however bad, and the offsets do the rest. Take the clause away and sizes matter, as the textbooks say: recall falls from above 0.6 at scale 2 to below 0.38 at 8, and people, whom that anchor never overlaps by half, are not found at all.
# The nine lose only 2 to 5 points without it.
#
# So are sizes worth nothing? At an IoU of 0.5, nothing we could measure. COCO's AP asks for tighter boxes, and there the nine lead by 3 points: a short way is easier to say exactly than a long one. The dial itself costs
# everybody something; small things stay hard.
#
# ## On real data
#
# No dial turns the size of things on a photograph, but things can be sorted by it. Three detectors of the Darknet family (chapter 14) looked at 120 photographs of COCO, stretched to 320 x 320 pixels. The share
# of the things they found, by size (a point stands for a range: 8 is below 12 px, then 12 to 24, 24 to 48, 48 to 96, 96 to 192, and above):

# %%
real = read_card("curve_coco128_size_anchors")
fig = failure_curve(real)
ax = fig.axes[0]
ax.set_xscale("log")
ax.set_xticks(real["values"], map(str, real["values"]))
ax.minorticks_off()
show(fig, alt="Recall against the size of the thing for three detectors, "
     "rising from almost nothing to eight tenths.", largest=18_000)

# %%
reach = real["reachable"]["yolo-fastest-1.1"]
assert all(reach == other for other in real["reachable"].values())
assert real["edges"] == [0, 12, 24, 48, 96, 192, 320]
print("things         ", real["things"])
print("an anchor fits ", [f"{x:.2f}" for x in reach])
nets = [seeds["0"] for seeds in real["methods"].values()]
assert all(net[0] < 0.1 and net[-2] > 0.7 for net in nets)
assert all(net[k] < reach[k] for net in nets for k in (0, 1, 3, 4, 5))
assert all(net[2] > reach[2] for net in nets)

# %% [markdown]
# Of the smallest things, below 12 px, less than a tenth is found; of those between 96 and 192 px, more than seven tenths. The share of things whose *shape* fits an anchor (IoU of 0.5, centres aside; the three nets have the same anchors) rises as well. Is that the
# reason? Not by itself. Between 24 and 48 px the nets find **more** than what fits, as in our curve: they too keep the best anchor. Below 24 px they find **less**: there the pixels are missing, and no anchor helps. (Above 48 px they find less, too: nearly everything fits there, and what is missed is missed for other reasons.)
#
# Where the photographs' annotations are at hand, the next cell holds our evaluator against pycocotools on all results of the three nets.

# %%
import json

from course_lib.paths import data_dir

folder = data_dir() and data_dir() / "darknet" / "reference"
if folder and folder.is_dir():
    coco128 = data_dir() / "coco128" / "annotations"
    truth = json.loads((coco128 / "instances_train2017.json").read_text())
    kept = json.loads((folder / "coco128_ap_pycocotools.json").read_text())
    used = set(kept["image_ids"])
    truth["images"] = [x for x in truth["images"] if x["id"] in used]
    truth["annotations"] = [x for x in truth["annotations"]
                            if x["image_id"] in used]
    for net in real["methods"]:
        file = folder / f"coco128_results_{net}_320.json"
        report = evaluate(truth, json.loads(file.read_text()))
        theirs = pycocotools_says(truth, json.loads(file.read_text()))
        assert abs(report.stats - theirs).max() < 1e-9

# %% [markdown]
# ## Exercises
#
# ### Exercise 12.1: turn the boxes
#
# `torch.rot90(image, 1, (1, 2))` turns a picture a quarter to the left: its right edge becomes the top. Given boxes (N, 4), xyxy in pixels, and the `width` of the picture before, return the boxes after.
# Leave what you were given as it is.
#
# <details><summary>Hint 1</summary>
#
# Take a box at the very top right. Where is it afterwards? What was measured from the top is then measured from the left; what was
# measured from the right edge, from the top.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `boxes.unbind(dim=1)` gives the four columns, `torch.stack([...], dim=1)` puts them together.
#
# </details>

# %%
def turn_boxes(boxes, width):
    raise NotImplementedError

# %%
check("12.1", turn_boxes)

# %% [markdown]
# ### Exercise 12.2: whose task is this box?
#
# YOLO's first version gave each thing to the cell that holds its centre. Given a box [x1, y1, x2, y2], the `size` (H, W) of the picture and the `stride`, all in pixels, return `[row, column, x, y]`: the cell, and where in
# it the centre lies, from 0 at its left or upper edge to 1. A centre on the picture's far edge belongs to the last cell.
#
# <details><summary>Hint 1</summary>
#
# The centre, divided by the stride, has a whole part and a rest.
#
# </details>
# <details><summary>Hint 2</summary>
#
# There are `math.ceil(W / stride)` columns; `min` keeps the column below that.
#
# </details>

# %%
def cell_of(box, size, stride):
    raise NotImplementedError

# %%
check("12.2", cell_of)

# %% [markdown]
# ### Exercise 12.3: average precision
#
# `hits` says of each detection, by falling score, whether it was right (a list of True and False); `wanted` things are to be found. Return VOC's all-point AP: the area under the curve after its teeth are
# filled. `[True, False, False, True, True]` with 4 things gives 0.25 · 1 + 0.5 · 0.6 = 0.55.
#
# <details><summary>Hint 1</summary>
#
# Recall moves by 1 / wanted at each right detection, and stands still at a wrong one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# At a right detection, the filled curve is the best precision from there to the end.
#
# </details>

# %%
def average_precision(hits, wanted):
    raise NotImplementedError

# %%
check("12.3", average_precision)

# %% [markdown]
# Stuck? The [solutions](solutions/12_boxes_anchors_ap.ipynb) are there to be read.

# %% [markdown]
# ## Quiz
#
# 1. Two people, one half hidden behind the other, have boxes with an IoU of 0.6, and both were found. What do NMS at 0.5 and soft-NMS make of them? Which AP is higher?
# 2. A detector's AP50 rises from 0.70 to 0.71 when you add a thousand boxes with scores near 0 to each picture. Why can it not fall, and what could you no longer do with such a detector?
# 3. Your lamp posts are ten times as high as wide. With sizes 8, 16, 32 and ratios 0.4, 1, 2.5, which IoU can a well-placed anchor reach with one at best, and which two ways out are there?
#
# ## What you learned
#
# - You converted boxes, moved them with their picture, and computed four kinds of overlap, three of which still guide a box that misses.
# - You turned a classifier into a detector with windows and with proposals, and kept one box for each thing by NMS.
# - You trained a net that answers with four numbers, and saw it answer between two things.
# - You laid out anchors, matched them with an ignore band, encoded and decoded offsets, and trained a detector on them.
# - You computed average precision as VOC and COCO do, equal to pycocotools, and told a score on training pictures from one that proves something.
#
# New in your hands: `box_iou`, `paired_iou`, `recall`, `nms`, `soft_nms`, `class_wise_nms`, `RandomBoxCrop`, `sliding_window`, `selective_search`, `RegionCNN`, `TwoHeads`,
# `anchor_grid`, `match`, `encode`, `decode`, `AnchorDetector`, `evaluate`.
#
# ## Read more
#
# - Girshick et al., [Rich Feature Hierarchies for Accurate Object Detection](https://arxiv.org/abs/1311.2524), CVPR 2014: R-CNN; appendix C has the four offsets.
# - Ren et al., [Faster R-CNN](https://arxiv.org/abs/1506.01497), NIPS 2015: section 3.1 introduces anchors; [our notes](../literature/notes/12_anchors_ap.md) compare them with our curve.
# - Everingham et al., [The PASCAL Visual Object Classes Challenge](https://doi.org/10.1007/s11263-009-0275-4), IJCV 2010: average precision, section 4.2.
# - Rezatofighi et al., [Generalized Intersection over Union](https://arxiv.org/abs/1902.09630), CVPR 2019: an overlap that boxes apart can still improve.
