"""Classify every window of a picture: one by one, and in one pass."""

import pytest
import torch

from course_lib.models.classifiers import classifier
from course_lib.models.dense import slide, to_dense

GROUP = "SqueezeNet 1.0 on 384x512 px, windows of 224 px, 16 px apart"


@pytest.fixture(scope="module")
def setting():
    torch.manual_seed(0)
    net, _ = classifier("squeezenet1_0")
    return net, to_dense(net), torch.randn(3, 384, 512)


@pytest.mark.benchmark(group=GROUP)
def test_one_pass(benchmark, setting):
    _, dense, image = setting
    with torch.no_grad():
        benchmark.pedantic(dense, (image[None],), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group=GROUP)
def test_sliding_window(benchmark, setting):
    net, _, image = setting
    with torch.no_grad():
        logits = benchmark.pedantic(slide, (net, image, 224, 16), rounds=1)
    benchmark.extra_info["windows"] = logits[0].numel()
