"""Boxes to tracks: who is who from frame to frame, without looking at the picture."""
