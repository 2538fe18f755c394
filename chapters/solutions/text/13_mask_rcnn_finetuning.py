# %% [markdown]
# # 13. Mask R-CNN: a box and a mask for every single thing: solutions

# %%
# setup

# %% [markdown]
# ## Exercise 13.1: from an indexed mask to a target
#
# Compare with each id, not with 1, 2, 3: numbers may be missing, and `unique()[1:]` loses a thing where no pixel is 0. And add the pixel that `masks_to_boxes` leaves out.

# %%
import torch
from torchvision.ops import masks_to_boxes

from course_lib.teaching import check


def boxes_of(indexed):
    ids = indexed.unique()
    ids = ids[ids > 0]
    masks = indexed == ids[:, None, None]  # (N, H, W)
    return masks_to_boxes(masks) + torch.tensor([0, 0, 1, 1]), masks


check("13.1", boxes_of)

# %% [markdown]
# ## Exercise 13.2: a mirror for everything
#
# The two edges change roles, so x1 comes from x2. The points move by the same rule, and then change their names.

# %%
def mirror(image, target, pairs):
    width = image.shape[-1]
    x1, y1, x2, y2 = target["boxes"].unbind(dim=1)
    boxes = torch.stack([width - x2, y1, width - x1, y2], dim=1)
    points = target["keypoints"].clone()  # (N, K, 3)
    points[..., 0] = width - points[..., 0]
    for a, b in pairs:
        points[:, [a, b]] = points[:, [b, a]]
    return image.flip(-1), target | {
        "boxes": boxes, "masks": target["masks"].flip(-1), "keypoints": points}


check("13.2", mirror)

# %% [markdown]
# ## Exercise 13.3: panoptic quality
#
# Because regions do not overlap, a pair with an IoU above a half is the only one of both its members, and no search is needed.

# %%
def panoptic_quality(truth, found):
    total, hit = 0.0, 0
    ids = [i for i in truth.unique().tolist() if i > 0]
    others = [i for i in found.unique().tolist() if i > 0]
    for i in ids:
        for j in others:
            both = ((truth == i) & (found == j)).sum().item()
            either = ((truth == i) | (found == j)).sum().item()
            if both / either > 0.5:
                total, hit = total + both / either, hit + 1
    return total / (hit + (len(ids) - hit) / 2 + (len(others) - hit) / 2)


check("13.3", panoptic_quality)

# %% [markdown]
# ## Quiz
#
# 1. The RPN and the box head, since nothing is wrong with finding boxes and naming them: the answer to *which pixels* is the mask head's alone. Its map of 28 x
#    28 cells is enlarged to the box; at a box 100 pixels wide a cell is nearly 4 pixels. A larger mask map or a finer pyramid level helps, more
#    anchors do not.
# 2. No anchor reaches the IoU with them that the RPN asks for, so hardly any proposal is made (section 5). Give anchors of their shape,
#    such as a ratio of 7. A lower threshold of the score cannot bring back what was never proposed.
# 3. The test pictures chose the epoch, so the best of ten figures is too good by luck, and if the list was shuffled anew, the net may have been trained on
#    some of them. Split by a written rule into three parts, choose on the second, report the third once.
