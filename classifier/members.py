"""The constituents' architectures, by name. A member tells teams apart on one crop."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.colours import HEIGHT, WIDTH, shrink
from classifier.errors import BadInput
from classifier.pixels import Image, fit

DEFAULT = "linear"
Ask = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Pictures of a member's size, `(N, H, W, 3)` BGR → logits, `(N, teams)`."""


@dataclass(frozen=True)
class Member:
    """An architecture and the picture it wants."""

    name: str
    height: int
    """Input height, pixels."""
    width: int
    """Input width, pixels."""
    about: str
    exact: bool = False
    """Trained by adding whole numbers up (`classifier.ridge`) instead of by gradients (`classifier.networks`)."""

    def prepare(self, image: Image) -> Image:
        """A crop of any size as this member sees it, `(height, width, 3)`."""
        return shrink(image) if self.exact else fit(image, self.height, self.width)


def member(name: str) -> Member:
    """The member of that name.

    Raises:
        BadInput: there is none; the message lists those there are.
    """
    if name not in MEMBERS:
        raise BadInput(f"unknown member {name!r}: there is {', '.join(sorted(MEMBERS))}.")
    return MEMBERS[name]


MEMBERS: dict[str, Member] = {
    m.name: m
    for m in (
        Member("linear", HEIGHT, WIDTH, "exact ridge on fixed colour features, whole numbers", exact=True),
        Member("frozen", 2 * HEIGHT, 2 * WIDTH, "a trained head on the same features"),
        Member("compact", 48, 32, "three convolutions 16-32-64 pooled around the jersey, 24 k parameters"),
        Member("reference", 150, 150, "the reference system's CNN, 21 M parameters"),
    )
}
