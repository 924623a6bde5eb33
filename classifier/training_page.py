"""`training/`: how the training went and what it got wrong, as one page with its plots and a table.

Made anew after every training and every erasure, from what is there then; taken away while either is under way.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.atomic_file import remove, write_whole
from classifier.certificate_page import STYLE
from classifier.history import Epoch, load_history, together
from classifier.judgement import Judged
from classifier.members import member
from classifier.scores import Scores, confusion_of, scores_of
from classifier.shard import LabelledCrop, ShardJob
from classifier.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, CURVES, CONFUSION, EPOCHS = "index.html", "curves.png", "confusion.png", "epochs.csv"
MOST_SHOWN = 120
"""Wrong crops on the page."""
COLUMNS = ("shard", "slice", "step", "crops", "on", "loss", "accuracy", "precision", "recall", "f1")
INK, TRAIN, UNSEEN = "#1b2733", "#8aa0b4", "#c2410c"
GALLERY = """
.crops{display:flex;flex-wrap:wrap;gap:.7rem}.crops figure{margin:0;width:7.5rem;font-size:.8rem;line-height:1.3}
.crops img{height:9rem;width:7.5rem;object-fit:contain;background:#eef2f6}.plot{max-width:100%}
td.n,th.n{text-align:right}
"""


def clear_pages(place: Workspace) -> None:
    """Take the page away, with all that belongs to it."""
    for path in sorted(place.training.glob("*")) if place.training.exists() else ():
        remove(path)


def write_pages(place: Workspace, jobs: Sequence[ShardJob], judged: Judged | None, players: Mapping[str, str]) -> None:
    """Make the page of the workspace's ensemble.

    Args:
        place: Where.
        jobs: All shards, trained.
        judged: What those who never saw a person say of their crops.
        players: Digest → who shows on it.
    """
    teams = jobs[0].teams
    epochs = [epoch for job in jobs for name in job.names() for epoch in load_history(place.shards, name)]
    write_whole(place.training / EPOCHS, _table_of(epochs).encode())
    if epochs:
        unit = "crops added" if member(jobs[0].recipe.member).exact else "optimizer steps"
        write_whole(place.training / CURVES, _png(_curves(epochs, unit)))
    if judged is not None and len(judged.truth):
        called = judged.posterior.argmax(axis=1)
        confusion = confusion_of(judged.truth, called, len(teams))
        write_whole(place.training / CONFUSION, _png(_confusion_plot(confusion, teams)))
    write_whole(place.training / PAGE, _page(place, jobs, judged, players, bool(epochs)).encode())


def _table_of(epochs: Sequence[Epoch]) -> str:
    """epochs.csv: for each look at a model, its scores on its own crops and on those of others."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for epoch in epochs:
        for on, tally in (("own", together([epoch.train])), ("unseen", together(epoch.held_out.values()))):
            if tally is not None:
                s = scores_of(tally.confusion)
                figures = (tally.loss, s.accuracy, s.precision, s.recall, s.f1)
                rows.writerow((epoch.shard + 1, epoch.slice + 1, epoch.step, tally.crops, on,
                               *(f"{value:.4f}" for value in figures)))  # fmt: skip
    return text.getvalue()


def _curves(epochs: Sequence[Epoch], unit: str) -> "Figure":
    """Loss and accuracy over the steps of each shard, a line for each."""
    from matplotlib.figure import Figure  # not above: most commands draw nothing

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, name, unseen in ((TRAIN, "own crops", False), (UNSEEN, "people never seen", True)):
        for number, shard in enumerate(sorted({epoch.shard for epoch in epochs})):
            points = [
                (epoch.step, tally.loss, scores_of(tally.confusion).accuracy)
                for epoch in epochs if epoch.shard == shard
                if (tally := together(epoch.held_out.values() if unseen else [epoch.train])) is not None
            ]  # fmt: skip
            if points:
                steps, losses, accuracies = zip(*points, strict=True)
                label = name if number == 0 else None
                left.plot(steps, losses, color=colour, lw=1.3, marker="o", ms=3, label=label, alpha=0.8)
                right.plot(steps, accuracies, color=colour, lw=1.3, marker="o", ms=3, alpha=0.8)
    for axes, title in ((left, "loss (cross-entropy)"), (right, "accuracy")):
        axes.set_title(title, fontsize=10, color=INK, loc="left")
        axes.set_xlabel(f"{unit}, a line for each shard", fontsize=8, color=INK)
        axes.tick_params(labelsize=8)
        axes.grid(color="#e3e9ef", lw=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylim(bottom=0)
    right.set_ylim(0, 1.03)
    left.legend(fontsize=8, frameon=False)
    return figure


def _confusion_plot(confusion: NDArray[np.int64], teams: Sequence[str]) -> "Figure":
    from matplotlib.figure import Figure

    side = 1.4 + 0.8 * len(teams)
    figure = Figure(figsize=(side + 0.9, side), layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(confusion):
        axes.text(j, i, str(count), ha="center", va="center", color="white" if shares[i, j] > 0.55 else INK)
    axes.set_xticks(range(len(teams)), teams, fontsize=9, rotation=30 if len(teams) > 4 else 0)
    axes.set_yticks(range(len(teams)), teams, fontsize=9)
    axes.set_xlabel("called", fontsize=9)
    axes.set_ylabel("is", fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _png(figure: "Figure") -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    return data.getvalue()


def _page(
    place: Workspace, jobs: Sequence[ShardJob], judged: Judged | None, players: Mapping[str, str], curves: bool
) -> str:  # fmt: skip
    teams = jobs[0].teams
    crops = sum(len(part) for job in jobs for part in job.slices)
    parts = [
        "<h1>The team classifier's training</h1>",
        f'<p class="sub">{len(jobs)} shards, {crops} crops, teams {escape(", ".join(teams))}, member '
        f"{escape(jobs[0].recipe.member)}</p>",
    ]
    if judged is None or not len(judged.truth):
        parts.append(
            "<p>There is nobody whom a shard did not see, so nothing can be said here about people never seen: train "
            "with two shards or more, or see <code>cleansheet evaluate</code>.</p>"
        )
    else:
        parts += _on_strangers(place, judged, teams, players)
    if curves:
        parts += [
            "<h2>How the training went</h2>",
            f'<p><img class="plot" src="{CURVES}" alt="loss and accuracy of each shard over its training"></p>',
            "<p>Every shard on its own crops, and on those of the other shards. All figures are in "
            f"<code>{EPOCHS}</code>.</p>",
        ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Training</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{GALLERY}</style></head><body>'
        + "\n".join(parts)
        + "<footer>Made by cleansheet after the last training or erasure; everything on this page is of people who are "
        "in the workspace now.</footer></body></html>\n"
    )


def _on_strangers(place: Workspace, judged: Judged, teams: Sequence[str], players: Mapping[str, str]) -> list[str]:
    called = judged.posterior.argmax(axis=1)
    confidence = judged.calibration.applied(judged.posterior).max(axis=1)
    scores = scores_of(confusion_of(judged.truth, called, len(teams)))
    wrong = [int(i) for i in np.argsort(-confidence, kind="stable") if called[i] != judged.truth[i]]
    gallery = [
        _wrong_crop(place, judged.crops[i], teams[called[i]], float(confidence[i]), players) for i in wrong[:MOST_SHOWN]
    ]
    more = f"; the surest {MOST_SHOWN} are shown" if len(wrong) > MOST_SHOWN else ""
    shown = "".join(gallery) or "None."
    return [
        f"<p><b>{scores.accuracy:.1%}</b> of {len(judged.truth)} crops are told right by the shards that never saw the "
        "person. Someone who alone is a team is known to all shards; there, the shards that did not see the crop are "
        "asked. <code>cleansheet evaluate</code> repeats this with people held out from everything.</p>",
        "<h2>Team by team</h2>",
        _scores_table(teams, scores),
        f'<p><img class="plot" style="max-width:24rem" src="{CONFUSION}" alt="confusion matrix"></p>',
        "<h2>What it got wrong</h2>",
        f"<p>{len(wrong)} of {len(judged.truth)} crops, the surest mistakes first{more}.</p>",
        f'<div class="crops">{shown}</div>',
    ]


def _wrong_crop(
    place: Workspace, crop: LabelledCrop, called: str, confidence: float, players: Mapping[str, str]
) -> str:  # fmt: skip
    source = escape(crop.path.relative_to(place.path).as_posix())
    return (
        f'<figure><img src="../{source}" alt=""><figcaption>{escape(players.get(crop.digest, ""))}, '
        f"{escape(crop.team)}<br>called <b>{escape(called)}</b>, {confidence:.0%} sure</figcaption></figure>"
    )


def _scores_table(teams: Sequence[str], scores: Scores) -> str:
    head = "".join(f'<th class="n">{name}</th>' for name in ("precision", "recall", "F1"))
    lines = [*zip(teams, scores.by_team, strict=True), ("mean", (scores.precision, scores.recall, scores.f1))]
    body = "".join(
        f"<tr><td>{escape(name)}</td>" + "".join(f'<td class="n">{value:.3f}</td>' for value in values) + "</tr>"
        for name, values in lines
    )
    return f"<table><tr><th>team</th>{head}</tr>{body}</table>"
