"""Hockey match video in, per-team statistics out."""
