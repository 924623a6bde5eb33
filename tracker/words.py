"""Words that settings, tables and pictures share: here, so that who reads settings need not import what draws."""

from typing import Literal

Format = Literal["csv", "parquet", "json"]
"""How a table can be written."""
Metres = Literal["measured", "estimated", "none"]
"""What metres rest on: a calibration, an estimate from players' height, or nothing (the columns are then empty)."""
Part = Literal["ellipses", "ids", "speed", "minimap", "scoreboard"]
"""What is drawn on a frame of the annotated video."""
