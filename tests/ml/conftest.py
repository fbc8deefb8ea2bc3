"""One thread, so that numbers do not depend on the machine; real networks, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ml.networks.network import Network
from ml.networks.weights import FILE_NAME
from tests.support import networks as nets


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(20240607)


@pytest.fixture(params=nets.names())
def network(request: pytest.FixtureRequest) -> Network:
    """Each registered mechanism in a narrow MobileNetV2; its weights use every part of it."""
    return nets.lively(request.param)


@pytest.fixture(scope="session")
def narrow_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights for the narrow MobileNetV2, under the name of ImageNet's."""
    folder = tmp_path_factory.mktemp("narrow-weights")
    trunk = nets.lively("plain").state_dict()
    state = {name: value for name, value in trunk.items() if name.startswith("features.")}
    save_file(state, folder / FILE_NAME)
    return folder


@pytest.fixture
def narrow() -> Iterator[None]:
    """Training and checkpoints build a MobileNetV2 of a quarter of the width."""
    with nets.narrowed():
        yield


@pytest.fixture(scope="session")
def photo_array() -> np.ndarray:
    """A photo-like picture, uint8 (150, 200, 3): a gradient, a disc, some grain."""
    y, x = np.mgrid[0:150, 0:200]
    disc = (x - 130) ** 2 + (y - 60) ** 2 < 40**2
    grain = np.random.default_rng(0).integers(0, 25, (150, 200, 3))
    base = np.stack([x, y, 200 - x], -1)
    return np.where(disc[..., None], (220, 180, 40), base).astype(np.uint8) + grain.astype(np.uint8)


@pytest.fixture
def save_photo(tmp_path: Path) -> Callable[..., Path]:
    """Write an array as a file: save_photo(array, "name.png", **options of Pillow)."""

    def save(array: np.ndarray, name: str, **options: object) -> Path:
        Image.fromarray(array).save(tmp_path / name, **options)
        return tmp_path / name

    return save
