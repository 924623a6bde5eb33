"""A synthetic hockey match with its ground truth, and the renderer that makes it. No real person is in it."""
