"""How good association is, against the trackers of the `trackers` and `ultralytics` libraries, on the same noisy boxes.

    python benchmarks/association.py --data ../shared/data/mot            # everything: hours on two cores
    python benchmarks/association.py --data ../shared/data/mot --quick    # two points a grid, 600 frames a clip
    python benchmarks/association.py --noise standard --write standard    # and put the tables into docs/association.md

Every candidate sees the same seeded noise (association_noise.py) and is scored by TrackEval (association_scores.py).
Scores are kept in a folder of the system's temporary directory: an interrupted run goes on where it was.
"""

import argparse
import hashlib
import pickle
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "benchmarks")]

from association_candidates import Candidate, candidates  # noqa: E402
from association_noise import NOISES, Clip, Noise, corrupt, read_clip  # noqa: E402
from association_scores import Result, combine, score, summary  # noqa: E402

_COLUMNS = ("HOTA", "IDF1", "MOTA", "DetA", "AssA", "LocA", "IDSW")
_OURS = "cleansheet"
_TUNED_ON = {"CAR_VS_NYR_001", "CHI_VS_TOR_2016_001", "CHI_VS_TOR_2016_004", "PIT_VS_SJ_2019_002"}  # our parameters


class Scores:
    """Scores of (candidate, clip, noise), computed when they are asked for and kept on disk."""

    def __init__(self, folder: Path, seed: int, max_frames: int | None) -> None:
        self._folder, self._seed, self._max_frames = folder, seed, max_frames
        folder.mkdir(parents=True, exist_ok=True)
        code = [path.read_bytes() for path in sorted((_ROOT / "tracker" / "association").glob("*.py"))]
        self._code = hashlib.sha256(b"".join(code)).hexdigest()

    def of(self, candidate: Candidate, clip: Clip, noise: Noise) -> Result:
        """TrackEval's fields of one candidate on one clip."""
        version = self._code if candidate.family.startswith(_OURS) else ""
        key = repr((candidate.label, clip.name, clip.frames, noise, self._seed, version))
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.pickle"
        if path.exists():
            return pickle.loads(path.read_bytes())[0]
        output, seconds = candidate.run(clip, corrupt(clip, noise, self._seed))
        result = score(clip, output)
        path.write_bytes(pickle.dumps((result, seconds)))
        return result

    def over(self, candidate: Candidate, clips: Iterable[Clip], noise: Noise) -> dict[str, float]:
        """The combined figures over `clips`."""
        return summary(combine({clip.name: self.of(candidate, clip, noise) for clip in clips}))


def overall_table(scores: Scores, clips: list[Clip], noise: Noise, everyone: list[Candidate]) -> str:
    """Every family at the best point of its grid, chosen by the mean of HOTA and IDF1 on these very clips."""
    lines = [f"| {noise.name} | " + " | ".join(_COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    families: dict[str, tuple[float, Candidate, dict[str, float]]] = {}
    for candidate in everyone:
        figures = scores.over(candidate, clips, noise)
        value = figures["HOTA"] + figures["IDF1"]
        if candidate.family not in families or value > families[candidate.family][0]:
            families[candidate.family] = (value, candidate, figures)
    for family, (_, candidate, figures) in sorted(families.items(), key=lambda item: item[1][0]):
        name = f"**{family}**" if family.startswith(_OURS) else family
        options = ", ".join(f"{key}={value}" for key, value in candidate.options) or "defaults"
        cells = [f"{figures[column]:.0f}" if column == "IDSW" else f"{figures[column]:.1f}" for column in _COLUMNS]
        lines.append(f"| {name} ({options}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def clip_table(scores: Scores, clips: list[Clip], noise: Noise, everyone: list[Candidate]) -> str:
    """Each clip alone: the strongest other candidate *for that clip and measure*, chosen afterwards, and ours."""
    ours = [candidate for candidate in everyone if candidate.family == _OURS]
    others = [candidate for candidate in everyone if not candidate.family.startswith(_OURS)]
    lines = [
        f"| {noise.name}, clip | best other IDF1 | IDF1 | gain | best other HOTA | HOTA | gain |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = {clip.name: [clip] for clip in clips}
    groups["clips that our parameters were tuned on"] = [clip for clip in clips if clip.name in _TUNED_ON]
    groups["**clips left out of the tuning**"] = [clip for clip in clips if clip.name not in _TUNED_ON]
    for name, group in groups.items():
        if not group:
            continue
        cells = []
        for measure in ("IDF1", "HOTA"):
            own = max(scores.over(candidate, group, noise)[measure] for candidate in ours)
            other = max(scores.over(candidate, group, noise)[measure] for candidate in others)
            cells += [f"{other:.1f}", f"{own:.1f}", f"{own - other:+.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speed_table(clip: Clip, everyone: list[Candidate], seed: int) -> str:
    """The processor's milliseconds per frame of each family's default, never from the kept scores."""
    lines = ["| tracker, defaults, standard noise | processor time, ms/frame |", "|---|---|"]
    detections = corrupt(clip, NOISES["standard"], seed)
    for candidate in everyone:
        if not candidate.options:
            lines.append(f"| {candidate.family} | {1e3 * candidate.run(clip, detections)[1] / clip.frames:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=_ROOT.parent / "shared" / "data" / "mot", help="MOT folders")
    parser.add_argument("--clips", nargs="*", help="names of folders; all by default")
    parser.add_argument("--noise", nargs="*", choices=list(NOISES), default=list(NOISES))
    parser.add_argument("--families", nargs="*", help="only these candidates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-frames", type=int, help="only the first frames of each clip")
    parser.add_argument("--quick", action="store_true", help="two points of each grid, 600 frames a clip")
    parser.add_argument("--speed", action="store_true", help="only measure the time that each takes on the first clip")
    parser.add_argument("--write", metavar="SECTION", help="put the tables into this section of docs/association.md")
    arguments = parser.parse_args()

    max_frames = arguments.max_frames or (600 if arguments.quick else None)
    folders = sorted(path.parent.parent for path in arguments.data.glob("*/gt/gt.txt"))
    clips = [read_clip(path, max_frames) for path in folders if not arguments.clips or path.name in arguments.clips]
    if not clips:
        raise SystemExit(f"{arguments.data}: no MOTChallenge folders (NAME/gt/gt.txt, NAME/seqinfo.ini) here")
    everyone = [c for c in candidates(arguments.quick) if not arguments.families or c.family in arguments.families]
    scores = Scores(Path(tempfile.gettempdir()) / "cleansheet-association-scores", arguments.seed, max_frames)
    console = Console()
    tables = []
    if arguments.speed:
        tables.append(speed_table(clips[0], everyone, arguments.seed))
        arguments.noise = []
    jobs = [(noise, candidate, clip) for noise in arguments.noise for candidate in everyone for clip in clips]
    for noise, candidate, clip in track(jobs, "scoring", console=console):
        scores.of(candidate, clip, NOISES[noise])
    for noise in arguments.noise:
        tables.append(overall_table(scores, clips, NOISES[noise], everyone))
        families = {candidate.family for candidate in everyone}
        if _OURS in families and not all(family.startswith(_OURS) for family in families):
            tables.append(clip_table(scores, clips, NOISES[noise], everyone))
    text = "\n\n".join(tables)
    console.print(Markdown(text))
    if arguments.write:
        write_between_markers(_ROOT / "docs" / "association.md", arguments.write, text)


def write_between_markers(page: Path, section: str, text: str) -> None:
    """Replace what stands between the two marker comments of a section of `page`."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    if not found:
        raise SystemExit(f"{page}: no section {section!r} ({begin})")
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
