"""The parameters of association. Lengths are shares of a person's box, times are seconds: resolution and frame rate
of the video then do not matter."""

from pydantic import BaseModel, ConfigDict, Field


class AssociationConfig(BaseModel):
    """How boxes become tracks. The defaults are for hockey and the like: people of one size, fast, seen from afar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # How people and the camera move (motion.py, camera.py)
    speed: tuple[float, float] = Field(
        default=(1.4, 0.5), description="Usual speed of a person across and down the picture [box heights / s]."
    )
    velocity_memory_s: float = Field(
        default=1.0, gt=0, description="Time after which a velocity is forgotten by 63 % [s]."
    )
    size_drift: tuple[float, float] = Field(
        default=(0.18, 0.09), description="Random walk of width and height [share of the size / s^0.5]."
    )
    camera_acceleration: tuple[float, float] = Field(
        default=(0.16, 0.05), description="White-noise acceleration of the camera [picture widths / s^1.5]."
    )

    # What the detector does (assignment.py)
    jitter: float = Field(
        default=0.04, gt=0, description="First guess of a box's jitter [share of its size]; then measured."
    )
    novelty: float = Field(default=0.8, gt=0, description="Boxes expected per frame that belong to no track.")
    outlier: float = Field(
        default=8.0, gt=0, description="Squared deviation at which the cost turns from square to log."
    )
    outlier_by_sight: float = Field(
        default=5.0,
        gt=0,
        description="The same where looks are known: a place that fits badly then says less, as boxes are wrong "
        "where people cross.",
    )
    birth_confidence: float = Field(
        default=0.25, ge=0, le=1, description="Boxes under this confidence begin no tracklet."
    )

    # Tracklets (online.py)
    memory_s: float = Field(
        default=1.0, gt=0, description="Longest time for which an unseen tracklet waits for its person [s]."
    )
    border_memory_s: float = Field(
        default=0.25, gt=0, description="The same for a tracklet that is leaving the picture [s]."
    )
    visible_share: float = Field(
        default=0.7, ge=0, le=1, description="Share of a box inside the picture under which a person is leaving."
    )
    credit_rate: float = Field(default=2.0, gt=0, description="Waiting time that each second in sight earns [s / s].")
    youth_s: float = Field(default=0.07, ge=0, description="Waiting time of a tracklet just begun [s].")
    seniority: float = Field(
        default=8.0, ge=0, description="Advantage of an established tracklet over one just begun [nats]."
    )
    min_hits: int = Field(default=3, ge=1, description="Tracklets with fewer boxes are dropped.")

    # Linking of tracklets in hindsight (linking.py)
    link_rounds_s: tuple[float, ...] = Field(
        default=(0.5, 1.5), description="Longest gaps that are linked in the successive rounds [s]."
    )
    crowded_blur: float = Field(
        default=0.2, ge=0, description="How wrong a tracklet's end may be where another box lies over it [its size]."
    )
    overlap_s: float = Field(
        default=0.7, ge=0, description="Longest time for which a tracklet lives on beside its successor [s]."
    )
    end_window_s: float = Field(default=0.6, gt=0, description="Length of a tracklet's end that tells its course [s].")
    camera_drift: tuple[float, float] = Field(
        default=(0.03, 0.01), description="Random walk of the camera's measured shift [picture widths / s^0.5]."
    )
    panorama: tuple[float, float] = Field(
        default=(4.0, 1.2), description="Spread of people over the rink [box heights]."
    )
    hidden_cost: float = Field(default=1.0, ge=0, description="Cost of a person inside the view but unseen [nats / s].")
    away_cost: float = Field(
        default=6.0, description="Cost of linking over the border of the picture, where many come and go [nats]."
    )
    away_memory_s: float = Field(default=6.0, gt=0, description="Usual time of an absence from the view [s].")
    still_camera: float = Field(
        default=0.05, ge=0, description="A camera that moves less than this is still [picture widths]."
    )
    return_s: float = Field(
        default=8.0, gt=0, description="Longest absence from a still picture after which one is known again [s]."
    )
    return_cost: float = Field(
        default=-2.5, description="Cost of linking over the border of a still picture, where looks are known [nats]."
    )
    link_bonus: float = Field(default=-2.0, description="Advantage of the same person over somebody new [nats].")

    # Smoothing and filling in (completion.py)
    fill_s: float = Field(default=1.5, ge=0, description="Longest gap that is filled in [s].")
    min_track_s: float = Field(default=0.3, ge=0, description="Tracks seen for less than this are dropped [s].")
    lasting_s: float = Field(default=2.0, gt=0, description="Tracks seen for longer than this are persons [s].")
    min_density: float = Field(
        default=0.6, ge=0, le=1, description="Shorter tracks seen in a smaller share of frames than this are dropped."
    )
    doubt: float = Field(
        default=3.5, gt=0, description="Shorter tracks of a confidence this far under the usual are dropped [sigma]."
    )
