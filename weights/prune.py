"""A narrow YOLOv8 from a wider one: keep the channels that vary most, then refit every convolution.

Cutting channels out breaks what follows, so each convolution of the narrow network is fitted, in order of execution,
by least squares: from what it now sees, to what the wide network's convolution put out at the same place (He, Zhang
and Sun, "Channel Pruning for Accelerating Very Deep Neural Networks", 2017). No labels are needed, only pictures.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POSITIONS = 400
"""Sampled places a picture and convolution."""
RIDGE = 1e-3


def narrow(wide: nn.Module, slim: nn.Module, pictures: Tensor) -> None:
    """Fill `slim` (YOLOv8 of smaller width) from `wide`, in place.

    Args:
        wide: a trained YOLOv8, not fused.
        slim: the same depth, fewer channels, any number of classes; each starts as the wide one's first class.
        pictures: `(N, 3, H, W)` float RGB in [0, 1] of the kind that it will see.
    """
    wide.eval()
    slim.eval()
    kept = _Choice(wide, slim, pictures).kept
    targets = _outputs(wide, kept, pictures)
    wide_modules, slim_modules = dict(wide.named_modules()), dict(slim.named_modules())
    for name in targets:
        _copy_norm(wide_modules, slim_modules, name, kept[name])
        weight, bias = _fit(slim, slim_modules[name], targets[name], pictures)
        _store(slim_modules, name, weight, bias)


class _Stop(Exception):
    """Raised in a hook: what comes after the convolution is not needed."""


class _Choice:
    """Which output channels of each convolution of the wide network are kept: name of the Conv2d → indices."""

    def __init__(self, wide: nn.Module, slim: nn.Module, pictures: Tensor) -> None:
        self._spread = _spread(wide, pictures)
        self._slim = dict(slim.named_modules())
        self.kept: dict[str, Tensor] = {}
        for index, module in enumerate(wide.model):  # type: ignore[arg-type]
            getattr(self, f"_{type(module).__name__.lower()}", lambda *_: None)(f"model.{index}", module)

    def _best(self, score: Tensor, name: str) -> Tensor:
        count = self._slim[name].out_channels
        return score.topk(int(count)).indices.sort().values

    def _conv(self, name: str, _module: Any) -> None:
        self.kept[f"{name}.conv"] = self._best(self._spread[f"{name}.conv"], f"{name}.conv")

    def _sppf(self, name: str, _module: Any) -> None:
        self._conv(f"{name}.cv1", None)
        self._conv(f"{name}.cv2", None)

    def _c2f(self, name: str, module: Any) -> None:
        half, slim_half = module.c, self._slim[f"{name}.cv1.conv"].out_channels // 2
        spread = self._spread[f"{name}.cv1.conv"]
        ends = [f"{name}.m.{i}.cv2.conv" for i in range(len(module.m))]
        second = spread[half:].square()
        if module.m[0].add:  # what is added together must be the same channels
            second = second + sum(self._spread[end].square() for end in ends)
        first_kept = spread[:half].topk(slim_half).indices.sort().values
        second_kept = second.topk(slim_half).indices.sort().values
        self.kept[f"{name}.cv1.conv"] = torch.cat([first_kept, second_kept + half])
        for i, end in enumerate(ends):
            self._conv(f"{name}.m.{i}.cv1", None)
            self.kept[end] = second_kept if module.m[i].add else self._best(self._spread[end], end)
        self._conv(f"{name}.cv2", None)

    def _detect(self, name: str, module: Any) -> None:
        for branch in ("cv2", "cv3"):
            for i in range(module.nl):
                self._conv(f"{name}.{branch}.{i}.0", None)
                self._conv(f"{name}.{branch}.{i}.1", None)
                last = f"{name}.{branch}.{i}.2"
                classes = self._slim[last].out_channels
                self.kept[last] = (
                    torch.arange(int(classes)) if branch == "cv2" else torch.zeros(int(classes), dtype=torch.long)
                )


def _convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d) and not name.endswith("dfl.conv")}


def _spread(model: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """Standard deviation over places and pictures of each channel after its activation."""
    modules = dict(model.named_modules())
    found: dict[str, list[Tensor]] = {}
    handles = []
    for name in _convolutions(model):
        if name.endswith(".conv"):

            def hook(_module: nn.Module, _inputs: Any, output: Tensor, name: str = name) -> None:
                found.setdefault(name, []).append(output.flatten(2).var(2).mean(0))

            handles.append(modules[name.removesuffix(".conv")].register_forward_hook(hook))
    _run(model, pictures)
    for handle in handles:
        handle.remove()
    return {name: torch.stack(values).mean(0).sqrt() for name, values in found.items()}


def _places(output: Tensor, name: str, batch: int) -> Tensor:
    """The sampled flat places `(POSITIONS,)` of a convolution's output in one batch; the same for both networks."""
    generator = torch.Generator().manual_seed(batch * 1000 + sum(name.encode()))
    return torch.randperm(output.shape[2] * output.shape[3], generator=generator)[:POSITIONS]


def _outputs(model: nn.Module, kept: dict[str, Tensor], pictures: Tensor) -> dict[str, list[Tensor]]:
    """What each convolution puts out at the sampled places: `(places, kept channels)` a batch, in execution order."""
    found: dict[str, list[Tensor]] = {}
    handles = []
    for name, module in _convolutions(model).items():

        def hook(_module: nn.Module, _inputs: Any, output: Tensor, name: str = name) -> None:
            rows = found.setdefault(name, [])
            places = _places(output, name, len(rows))
            rows.append(output.flatten(2)[:, kept[name]][:, :, places].transpose(1, 2).flatten(0, 1))

        handles.append(module.register_forward_hook(hook))
    _run(model, pictures)
    for handle in handles:
        handle.remove()
    return found


def _fit(slim: nn.Module, conv: Any, targets: list[Tensor], pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of `conv` that best give `targets` from what it sees in `slim`."""
    name = next(key for key, module in slim.named_modules() if module is conv)
    seen: list[Tensor] = []

    def hook(module: Any, inputs: tuple[Tensor]) -> None:
        x = inputs[0]
        patches = F.unfold(x, module.kernel_size, padding=module.padding, stride=module.stride)
        height = (x.shape[2] - 1) // module.stride[0] + 1
        grid = patches.new_empty((1, 1, height, patches.shape[2] // height))
        places = _places(grid, name, len(seen))
        seen.append(patches[:, :, places].transpose(1, 2).flatten(0, 1))
        raise _Stop

    handle = conv.register_forward_pre_hook(hook)
    _run(slim, pictures)
    handle.remove()
    x, y = torch.cat(seen), torch.cat(targets)
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    gram, cross = (x.T @ x).double(), (x.T @ y).double()
    gram.diagonal().add_(RIDGE * gram.diagonal().mean() + 1e-9)
    weight = torch.linalg.solve(gram, cross).T.float()
    bias = y_mean - weight @ x_mean
    return weight.reshape(conv.weight.shape), bias


def _copy_norm(wide: dict[str, Any], slim: dict[str, Any], name: str, kept: Tensor) -> None:
    if not name.endswith(".conv"):
        return
    source, target = wide[name.removesuffix("conv") + "bn"], slim[name.removesuffix("conv") + "bn"]
    for key in ("weight", "bias", "running_mean", "running_var"):
        getattr(target, key).data.copy_(getattr(source, key).data[kept])


def _store(slim: dict[str, Any], name: str, weight: Tensor, bias: Tensor) -> None:
    conv = slim[name]
    conv.weight.data.copy_(weight)
    if conv.bias is not None:
        conv.bias.data.copy_(bias)
    else:
        slim[name.removesuffix("conv") + "bn"].running_mean.data.sub_(bias)


def _run(model: nn.Module, pictures: Tensor, batch: int = 8) -> None:
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            try:
                model(pictures[start : start + batch])
            except _Stop:
                continue
