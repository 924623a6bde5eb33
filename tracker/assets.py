"""Where the files that ship with the program are: inside the installed package, or in a checkout of the repository."""

from pathlib import Path

from classifier.errors import CleansheetError

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = {"weights": _PACKAGE.parent / "weights", "demo": _PACKAGE.parent / "videos" / "demo"}


def asset(relative: str) -> Path:
    """Path of a shipped file, such as `weights/cleansheet-n.safetensors` or `demo/match.mp4`.

    Args:
        relative: its place below the package's `assets` folder; the first part is `weights` or `demo`.

    Raises:
        CleansheetError: the file is in neither place, so the installation is incomplete.
    """
    folder, _, rest = relative.partition("/")
    candidates = [_PACKAGE / "assets" / relative]
    if folder in _IN_CHECKOUT:
        candidates.append(_IN_CHECKOUT[folder] / rest)
    for path in candidates:
        if path.exists():
            return path
    looked_in = " and ".join(str(path) for path in candidates)
    raise CleansheetError(f"{relative}: not found in this installation (looked in {looked_in}); install it again")
