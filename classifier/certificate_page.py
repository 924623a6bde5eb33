"""A certificate as one page that a player and a lawyer can read."""

from html import escape
from typing import Any

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1b2733;max-width:46rem;margin:2rem auto;padding:0 1.2rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.1rem;margin:1.8rem 0 .4rem;border-bottom:2px solid #cfdbe6}
.sub{color:#5a6b7b;margin:.2rem 0 1.2rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top}td.n{text-align:right;width:6rem}
code{font-size:.78rem;word-break:break-all;color:#33475b}.ok{color:#16693a;font-weight:600}
.bad{color:#a11;font-weight:600}li{margin:.25rem 0}footer{margin-top:2rem;color:#5a6b7b;font-size:.85rem}
@media print{body{margin:0;font-size:11pt}}
"""


def page(content: dict[str, Any]) -> str:
    """HTML of a signed certificate; it holds nothing that the certificate does not."""
    erasure = content["kind"] == "erasure"
    title = "Certificate of erasure" if erasure else "Certificate of rectification"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="sub">No. {content["number"]} · asked for {_day(content["requested"])} · issued '
        f"{_day(content['issued'])} (UTC)</p>",
        _summary(content),
        "<h2>What was done</h2>",
        _table(_erased(content) if erasure else [("crops whose label was corrected", content["counts"]["crops"])]),
        "<h2>The team classifier</h2>",
        _classifier(content),
        "<h2>Not covered</h2>",
        "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in content["not_covered"]) + "</ul>",
    ]
    if erasure:
        parts += ["<h2>The law</h2>", "<ul>", *(f"<li>{escape(text)}</li>" for text in content["law"]), "</ul>"]
    parts += [
        "<h2>Who this is about</h2>",
        "<p>The certificate names no one. It carries pseudonyms (HMAC-SHA256), which only the holder of the "
        "workspace's secret can match with a name:</p>",
        *(f"<p><code>{escape(subject)}</code></p>" for subject in content["subjects"]),
        "<h2>How to check it</h2>",
        "<p><code>cleansheet verify certificate-"
        f"{content['number']:04d}.json --retrain</code> checks the signature, the ledger of all certificates and the "
        "workspace, and trains the shards again from nothing. Without the workspace it checks the signature "
        "(Ed25519).</p>",
        _table([
            ("public key", f"<code>{escape(content['public_key'])}</code>"),
            ("signature", f"<code>{escape(content['signature'])}</code>"),
            ("the entry before this one", f"<code>{escape(content['previous'])}</code>"),
        ], raw=True),
        "<footer>Made by cleansheet. The signed document is the JSON file of the same name; this page only shows it."
        "</footer>",
    ]  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} {content["number"]}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _summary(content: dict[str, Any]) -> str:
    if content["kind"] != "erasure":
        return (
            "<p>Labels that were wrong were corrected. The classifier is now, bit for bit, the one that would exist "
            "had they been right from the start.</p>"
        )
    clean = content["leftovers"]["found"] == 0
    verdict = (
        '<span class="ok">Nothing was found.</span>'
        if clean
        else f'<span class="bad">{content["leftovers"]["found"]} files still hold something.</span>'
    )
    who = "one person" if content["counts"]["people"] == 1 else f"{content['counts']['people']} people"
    return (
        f"<p>All data on {who} that this workspace held was erased. The team classifier is now, bit for bit, the one "
        "that would exist had their pictures never been in it. Afterwards every byte of the workspace was searched: "
        f"{content['leftovers']['files_searched']} files. {verdict}</p>"
    )


def _erased(content: dict[str, Any]) -> list[tuple[str, Any]]:
    counts, runs = content["counts"], content["runs"]
    totals = "recomputed without them" if runs["totals"] == "recompute" else "kept, and marked"
    return [
        ("pictures deleted", counts["crops"]),
        ("of these used in training", counts["training"]),
        ("of these kept for validation", counts["validation"]),
        ("of these showing other people too", counts["with_others"]),
        ("of these copies that carried another label", counts["near_copies"]),
        ("processed videos concerned", runs["runs"]),
        ("tracks deleted", runs["tracks"]),
        ("rows of position data deleted", runs["rows"]),
        ("annotated videos in which they were blurred", runs["videos_redacted"]),
        ("team totals of these videos", totals if runs["runs"] else "none concerned"),
    ]


def _classifier(content: dict[str, Any]) -> str:
    plan, touched = content["plan"], content["touched"]
    if plan is None:
        return "<p>None had been trained.</p>"
    if not touched:
        return "<p>None of its parts had seen the pictures; nothing had to be trained again.</p>"
    proofs = content["retrained_in_a_fresh_process"]
    equal = all(proof["rebuilt"] == proof["retrained"] for proof in proofs)
    which = ", ".join(f"shard {t['shard']} from slice {t['from_slice']}" for t in touched)
    verdict = '<span class="ok">equal</span>' if equal else '<span class="bad">not equal</span>'
    rows = "".join(
        f"<tr><td>shard {p['shard']}, slice {p['slice']}</td><td><code>{p['rebuilt']}</code></td></tr>" for p in proofs
    )
    return (
        f"<p>It has {plan['shards']} shards of {plan['slices']} slices ({escape(plan['mode'])} plan). Trained again: "
        f"{which}, {content['share_of_a_full_training']:.1%} of a full training. An independent process then trained "
        f"these shards from nothing, without the person; all {len(proofs)} checkpoints are {verdict}, bit for bit:</p>"
        f"<table>{rows}</table>"
    )


def _table(rows: list[tuple[str, Any]], *, raw: bool = False) -> str:
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td{'' if raw else ' class=n'}>{value if raw else escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _day(text: str) -> str:
    return escape(text.replace("T", " ").removesuffix("Z"))
