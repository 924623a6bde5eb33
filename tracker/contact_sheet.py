"""One picture of many crops, in rows with a heading: to see at a glance who is who."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CELL_W, CELL_H, GAP, LABEL_H, HEADING_H = 72, 120, 6, 18, 40
INK, PAPER, CARD = (40, 36, 32), (250, 249, 248), (236, 233, 230)


@dataclass(frozen=True)
class Card:
    """One track on the sheet."""

    label: str
    """ASCII, a few characters."""
    pictures: Sequence[NDArray[np.uint8]]
    """BGR crops of any size."""


def contact_sheet(
    groups: dict[str, Sequence[Card]], *, cards_a_row: int = 8, pictures_a_card: int = 2, what: str = "track"
) -> NDArray[np.uint8]:
    """Draw groups of cards: (h, w, 3) BGR.

    Args:
        groups: Heading → its cards, in the order given.
        cards_a_row: Cards beside each other.
        pictures_a_card: Crops shown of each card.
        what: A card is one of these.
    """
    card_w = pictures_a_card * CELL_W
    width = GAP + cards_a_row * (card_w + GAP)
    parts = [np.full((GAP, width, 3), PAPER, np.uint8)]
    for heading, cards in groups.items():
        parts.append(_heading(f"{heading}: {len(cards)} {what}{'' if len(cards) == 1 else 's'}", width))
        for start in range(0, len(cards), cards_a_row):
            row = np.full((LABEL_H + CELL_H + GAP, width, 3), PAPER, np.uint8)
            for place, card in enumerate(cards[start : start + cards_a_row]):
                left = GAP + place * (card_w + GAP)
                row[:-GAP, left : left + card_w] = _card(card, pictures_a_card)
            parts.append(row)
    return np.concatenate(parts)


def _heading(text: str, width: int) -> NDArray[np.uint8]:
    strip = np.full((HEADING_H, width, 3), PAPER, np.uint8)
    cv2.putText(strip, text, (GAP, HEADING_H - 13), cv2.FONT_HERSHEY_DUPLEX, 0.7, INK, 1, cv2.LINE_AA)
    return strip


def _card(card: Card, pictures: int) -> NDArray[np.uint8]:
    canvas = np.full((LABEL_H + CELL_H, pictures * CELL_W, 3), CARD, np.uint8)
    cv2.putText(canvas, card.label, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    for place, picture in enumerate(card.pictures[:pictures]):
        height, width = picture.shape[:2]
        scale = min((CELL_W - 4) / width, CELL_H / height)
        size = max(1, int(width * scale)), max(1, int(height * scale))
        shown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        left = place * CELL_W + (CELL_W - size[0]) // 2
        canvas[LABEL_H + (CELL_H - size[1]) // 2 :, left : left + size[0]][: size[1]] = shown
    return canvas
