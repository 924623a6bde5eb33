"""Boxes to tracks: who is who from frame to frame, without looking at the picture."""

from tracker.association.associator import Associator
from tracker.association.config import AssociationConfig
from tracker.association.tracks import Tracks

__all__ = ["AssociationConfig", "Associator", "Tracks"]
