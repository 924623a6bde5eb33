"""Hockey match video in, per-team statistics out."""

__version__ = "0.1.0"
