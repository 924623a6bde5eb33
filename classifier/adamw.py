"""AdamW over named tensors, with moments that can be saved and put back.

`torch.optim` would bring TorchDynamo with it, three seconds of every training process, and its `load_state_dict`
writes into the tensors that it is given.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@torch.no_grad()
def adamw_step(
    parameters: Mapping[str, Tensor], first: Mapping[str, Tensor], second: Mapping[str, Tensor], step: int,
    rate: float, weight_decay: float,
) -> None:  # fmt: skip
    """One step, in place (Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2).

    Args:
        parameters: By name, with their gradients.
        first: Running means of the gradients.
        second: Running means of the squared gradients.
        step: 1 for the first one ever.
        rate: Learning rate.
        weight_decay: Shrinks weights by `rate * weight_decay`.
    """
    for name, parameter in parameters.items():
        gradient = parameter.grad
        assert gradient is not None
        parameter.mul_(1 - rate * weight_decay)
        first[name].lerp_(gradient, 1 - BETA1)
        second[name].mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        spread = second[name].sqrt().div_(math.sqrt(1 - BETA2**step)).add_(EPSILON)
        parameter.addcdiv_(first[name], spread, value=-rate / (1 - BETA1**step))
