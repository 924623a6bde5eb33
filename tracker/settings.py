"""What a user can choose when a video is processed: one typed object, recorded in run.json."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tracker.association.config import AssociationConfig
from tracker.company import DEFAULT_CONFIDENCE
from tracker.crops import CropSettings
from tracker.rink import Side
from tracker.words import Format, Part

LOOKS_PER_S = 15.0
"""How often people are looked for unless said otherwise. At 7 m/s a skater moves by half a metre between two looks:
more looks cost time and tell little more of who is who (docs/throughput.md says how much)."""


def every_for(frames_per_s: float) -> int:
    """In every how many of so many frames a second people are looked for, unless said otherwise."""
    return max(1, round(frames_per_s / LOOKS_PER_S))


class DetectorSettings(BaseModel):
    """How people are looked for in a frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str | None = Field(None, description="path or Ultralytics name of the weights; None for the project's own")
    image_size: int = Field(960, ge=32, description="pixels of the longer side that the network sees")
    every: int | None = Field(
        None, ge=1, description="look for people in every so many of these frames; None for some 15 looks a second"
    )
    whole: bool = Field(False, description="look at all of every picture, also where nobody was for a while")
    runtime: str = Field("auto", description="what runs the network; one of tracker.runtimes.RUNTIMES")
    confidence: float = Field(
        DEFAULT_CONFIDENCE, ge=0, le=1, description="weaker boxes are not even handed to the association"
    )


class ProcessSettings(BaseModel):
    """Everything that decides what a run's tables say, besides the video and the ensemble."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_s: float = Field(0.0, ge=0, description="seconds since the first frame at which to begin")
    end_s: float | None = Field(None, gt=0, description="seconds since the first frame at which to stop")
    stride: int = Field(1, ge=1, description="look at every stride-th frame")
    detector: DetectorSettings = DetectorSettings()
    association: AssociationConfig = AssociationConfig()
    crops: CropSettings = CropSettings()
    calibration: Path | None = Field(None, description="TOML of rink points; None to estimate from players' height")
    attacks: dict[str, Side] = Field(
        default_factory=dict, description="team → the side it attacks in the first period, as the camera sees it"
    )
    periods: tuple[tuple[float, float], ...] = Field(
        (), description="start and end of each period in seconds; ends are changed after each, breaks do not count"
    )
    video: bool = Field(True, description="whether annotated.mp4 is drawn")
    hide: tuple[Part, ...] = Field((), description="parts of the annotated video that are left out")
    formats: tuple[Format, ...] = Field(("csv",), description="how the tables are written; csv always is")

    def for_frames(self, frames_per_s: float) -> "ProcessSettings":
        """The same, with what depends on a video's frames a second decided."""
        if self.detector.every is not None:
            return self
        every = every_for(frames_per_s / self.stride)
        return self.model_copy(update={"detector": self.detector.model_copy(update={"every": every})})

    @model_validator(mode="after")
    def _periods_follow_each_other(self) -> "ProcessSettings":
        before = 0.0
        for start, end in self.periods:
            if not before <= start < end:
                raise ValueError(
                    f"--period {start:g}-{end:g}: it must end after its start, and follow the period before"
                )
            before = end
        return self

    @model_validator(mode="after")
    def _ends_after_start(self) -> "ProcessSettings":
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"the end, {self.end_s} s, must lie after the start, {self.start_s} s")
        return self
