"""The recipe of the player detector: labelled pictures in, `cleansheet-n.safetensors` out. See `README.md` here."""
