"""What a finer map costs, and resnet18_8s beside torchvision's FCN head.

CPU time of one thread, so that other work on the machine does not count.
"""

import statistics
import time

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.segmentation.fcn import FCNHead

from course_lib.models import build
from course_lib.models.resnet import Segmenter

SIDE, CLASSES = 512, 21
STRIDES = "resnet18 at output strides, a picture of 512x512 px"
HEADS = "resnet18 at stride 8, 512x512 px: 1x1 scores, or torchvision's FCN head"
CPU = {"timer": time.process_time}


def gigaflops(net):
    """Of one picture; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.randn(1, 3, SIDE, SIDE))
    return round(counter.get_total_flops() / 1e9, 1)


def megabytes_kept(net):
    """What one picture keeps for the backward pass, weights apart."""
    kept, weights = {}, {p.untyped_storage().data_ptr() for p in net.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = net(torch.randn(1, 3, SIDE, SIDE))["out"]
    assert logits.requires_grad
    return round(sum(kept.values()) / 1e6)


@pytest.mark.benchmark(group=STRIDES, **CPU)
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_output_stride(benchmark, stride):
    net = build(f"resnet18_{stride}s", CLASSES)
    benchmark.extra_info["megabytes_kept"] = megabytes_kept(net)
    net.eval()
    benchmark.extra_info["gigaflops"] = gigaflops(net)
    image = torch.randn(1, 3, SIDE, SIDE)
    with torch.no_grad():
        benchmark.pedantic(net, (image,), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group=HEADS, **CPU)
def test_one_by_one_scores(benchmark):
    net = build("resnet18_8s", CLASSES).eval()
    theirs = Segmenter(net.backbone, FCNHead(512, CLASSES)).eval()
    image, seconds = torch.randn(1, 3, SIDE, SIDE), ([], [])
    with torch.no_grad():
        for _ in range(9):  # by turns: what slows the machine slows both
            for model, times in zip((net, theirs), seconds, strict=True):
                start = time.process_time()
                model(image)
                times.append(time.process_time() - start)
        benchmark.pedantic(net, (image,), rounds=5)
    ours, fcn = map(statistics.median, seconds)
    benchmark.extra_info["times_torchvisions_fcn_head"] = round(ours / fcn, 3)
    print(f"\n{ours:.3f} s, with torchvision's FCN head {fcn:.3f} s: {ours / fcn:.3f}")


@pytest.mark.benchmark(group=HEADS, **CPU)
def test_fcn_head(benchmark):
    net = build("resnet18_8s", CLASSES)
    net = Segmenter(net.backbone, FCNHead(512, CLASSES)).eval()
    with torch.no_grad():
        benchmark.pedantic(net, (torch.randn(1, 3, SIDE, SIDE),), rounds=5)
