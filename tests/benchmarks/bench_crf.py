"""Mean field: ours beside pydensecrf, where that can be built; time and memory."""

import numpy as np
import pytest
import torch

from course_lib.crf import mean_field

GROUP = "mean field, 480x360, 11 classes, 10 iterations, one thread"
PARAMETERS = dict(
    gaussian_sxy=3.0,
    gaussian_compat=3.0,
    bilateral_sxy=80.0,
    bilateral_srgb=13.0,
    bilateral_compat=10.0,
)


def case(height, width, num_classes):
    """A photograph of that size, and what a net of stride 32 might say of it."""
    from skimage.data import astronaut

    photo = torch.from_numpy(astronaut()).permute(2, 0, 1)[None].float()
    image = torch.nn.functional.interpolate(photo, (height, width), mode="bilinear")
    coarse = torch.randn(
        1, num_classes, height // 32, width // 32, generator=torch.manual_seed(0)
    )
    logits = torch.nn.functional.interpolate(
        3 * coarse, (height, width), mode="bilinear"
    )
    return image[0].permute(1, 2, 0).to(torch.uint8).contiguous(), logits[0].softmax(0)


@pytest.fixture(scope="module")
def street():
    return case(360, 480, 11)


def ours(image, p, iterations=10):
    return mean_field(image, p, **PARAMETERS, iterations=iterations, method="fast")


def theirs(image, p):
    densecrf = pytest.importorskip("pydensecrf.densecrf")
    num_classes, height, width = p.shape
    crf = densecrf.DenseCRF2D(width, height, num_classes)
    crf.setUnaryEnergy((-p.clamp(1e-8, 1).log()).flatten(1).numpy())
    crf.addPairwiseGaussian(sxy=3.0, compat=3.0)
    crf.addPairwiseBilateral(sxy=80.0, srgb=13.0, rgbim=image.numpy(), compat=10.0)
    return torch.from_numpy(np.array(crf.inference(10))).view_as(p)


@pytest.mark.parametrize("threads", [1, 2])
def test_ours(benchmark, street, threads):
    benchmark.group = GROUP
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    benchmark.pedantic(ours, street, rounds=7, warmup_rounds=1)
    torch.set_num_threads(before)


def test_pydensecrf(benchmark, street):
    benchmark.group = GROUP
    found = benchmark.pedantic(theirs, street, rounds=7, warmup_rounds=1)
    assert (found - ours(*street)).abs().mean() < 1e-4


def test_memory_of_a_large_picture(benchmark):
    """Peak above the start, 2048x1024 pixels, 19 classes; GB."""
    image, p = case(1024, 2048, 19)
    with open("/proc/self/clear_refs", "w") as reset:  # Linux: forget the old peak
        reset.write("5")
    before = _status("VmRSS")
    benchmark.group = "mean field, 2048x1024, 19 classes, 5 iterations"
    benchmark.pedantic(ours, (image, p, 5), rounds=1)
    benchmark.extra_info["gigabytes_above_the_start"] = round(
        (_status("VmHWM") - before) / 1e6, 2
    )


def _status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))
