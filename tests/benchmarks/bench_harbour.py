"""Pictures of the harbour a second, one core: picture, class map and instance map."""

from itertools import cycle

import pytest

from course_lib.data.harbour import Harbour


@pytest.mark.benchmark(group="harbour, a picture with its class and instance map")
@pytest.mark.parametrize("size", [(96, 128), (192, 256), (384, 512)])
@pytest.mark.parametrize("materials", ["paint", "photo"])
def test_pictures_a_second(benchmark, size, materials):
    harbour = Harbour(size=size, materials=materials)
    harbour.scene(0)  # the tiles of the textures are made once
    index = cycle(range(200))
    benchmark.pedantic(lambda: harbour.scene(next(index)), rounds=200, iterations=1)
