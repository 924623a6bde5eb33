"""A network whose blocks compute their halves apart says what it said, rounded to int8 or not."""

import copy
from typing import Any

import pytest

from tracker.detector_ranges import Ranges
from tracker.detector_weights import build_network, ready
from tracker.environment import quiet_libraries
from tracker.runtimes.halves import in_halves
from tracker.runtimes.quantised import quantised

quiet_libraries()

import torch  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(0)
    model = build_network(0.25, 0.33, 3)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # else nothing but the last bias shows in what it says
            module.running_var.uniform_(0.05, 0.2)
            module.bias.data.uniform_(-1, 1)
    return ready(model)


def said(model: Any, picture: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        given = model(picture)
    answer: torch.Tensor = given[0] if isinstance(given, tuple) else given
    return answer


@pytest.mark.parametrize("rounded", [False, True])
def test_it_says_the_same(network: Any, rounded: bool) -> None:
    def made() -> Any:
        model = copy.deepcopy(network)
        names = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Conv2d)]
        between = {name: (-1.0, 3.0) for name in names if "dfl" not in name}
        return quantised(model, Ranges(between, "")) if rounded else model

    plain, apart = made(), in_halves(made())
    assert sum(type(module).__name__ == "C2f" for module in plain.modules()) == 8
    assert not any(type(module).__name__ == "C2f" for module in apart.modules())
    for size in ((64, 96), (96, 64)):  # the second time, nothing rounded of the first picture is left
        picture = torch.rand(1, 3, *size)
        before = said(plain, picture)
        assert before.std() > 0.01
        torch.testing.assert_close(said(apart, picture), before, rtol=1e-4, atol=1e-4)
