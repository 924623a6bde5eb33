"""The team classifier: a SISA ensemble over a catalog of crops."""
