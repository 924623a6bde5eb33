"""The parameters of association. Lengths are shares of a person's box, times are seconds: resolution and frame rate
of the video then do not matter."""

from pydantic import BaseModel, ConfigDict, Field


class AssociationConfig(BaseModel):
    """How boxes become tracks. The defaults are for hockey and the like: people of one size, fast, seen from afar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # How people and the camera move (motion.py, camera.py)
    acceleration: tuple[float, float] = Field(
        default=(1.4, 0.7), description="White-noise acceleration across and down the picture [box heights / s^1.5]."
    )
    velocity_memory_s: float = Field(default=2.0, gt=0, description="Time after which a velocity is forgotten by 63 % [s].")
    top_speed: float = Field(default=1.5, gt=0, description="Standard deviation of the velocity at birth [box heights / s].")
    size_drift: float = Field(default=0.25, ge=0, description="Random walk of width and height [share of the size / s^0.5].")
    camera_acceleration: tuple[float, float] = Field(
        default=(0.16, 0.05), description="White-noise acceleration of the camera [picture widths / s^1.5]."
    )

    # What the detector does (assignment.py)
    jitter: float = Field(default=0.04, gt=0, description="First guess of a box's jitter [share of its size]; then measured.")
    novelty: float = Field(default=0.5, gt=0, description="Boxes expected per frame that belong to no track.")
    outlier: float = Field(default=8.0, gt=0, description="Squared deviation at which the cost turns from square to log.")
    confidence_weight: float = Field(default=2.0, ge=0, description="Weight of (confidence - 0.5) in the cost [nats].")
    birth_confidence: float = Field(default=0.2, ge=0, le=1, description="Boxes under this confidence begin no tracklet.")

    # Tracklets (online.py)
    memory_s: float = Field(default=1.0, gt=0, description="Time for which an unseen tracklet waits for its person [s].")
    youth_s: float = Field(default=0.1, ge=0, description="A tracklet younger than this is dropped at its second miss [s].")
