"""Certificates: what an erasure or a correction did, signed, and chained in a ledger so that none can go missing.

A certificate is a JSON file in one canonical form; whatever differs from that form by a single byte is rejected.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from classifier.catalog import LedgerEntry
from classifier.errors import BadInput

FORMAT = "cleansheet certificate 1"
FIRST = "0" * 64
"""What the first entry of a ledger calls its predecessor."""

NOT_COVERED = (
    "The source videos: the program never changes them, and processing one again finds everybody in it again.",
    "Annotated videos, tables, pictures and reports that were handed out or copied before.",
    "Backups and copies of the workspace, snapshots of the disk, and what a disk keeps of overwritten blocks.",
    "Models exported from this workspace before.",
    "The player detector: it was trained before, on other people's published pictures, and is not changed.",
    "Pictures of the person in this workspace that nobody labelled as theirs and that are no copies of labelled ones.",
    "The plan, unless it is a strict one: who is trained in which shard was decided while the person was there.",
)
LAW = (
    "GDPR Article 17: the right to erasure.",
    "GDPR Article 12(3): an answer without undue delay, and within one month of the request.",
    "GDPR Article 19: every recipient of the data is told about the erasure, unless that is impossible or "
    "out of proportion.",
)


def sign(content: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The certificate's file: the content, the public key, and the signature over both.

    Args:
        content: Plain values; the keys `public_key` and `signature` are added.
        key: Whose signature.
    """
    whole = {**content, "public_key": key.public_key().public_bytes_raw().hex()}
    return canonical({**whole, "signature": key.sign(canonical(whole)).hex()})


def canonical(content: dict[str, Any]) -> bytes:
    """The one way to write a certificate down."""
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def opened(data: bytes, name: str) -> dict[str, Any]:
    """A certificate's content, if its signature holds.

    Raises:
        BadInput: it is no certificate, of a newer program, or was changed.
    """
    changed = BadInput(f"{name}: the signature does not fit; this is not what was signed.")
    try:
        content = json.loads(data.decode("utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("format"), str):
            raise ValueError
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadInput(f"{name}: not a certificate of cleansheet, or one that was changed.") from None
    if content["format"] != FORMAT and content["format"].startswith("cleansheet certificate "):
        raise BadInput(f"{name}: {content['format']!r} is not known here; a newer cleansheet may know it.")
    signature, public = content.get("signature"), content.get("public_key")
    if content["format"] != FORMAT or not isinstance(signature, str) or not isinstance(public, str):
        raise changed
    try:
        if data != canonical(content) or signature != bytes.fromhex(signature).hex():
            raise changed
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        signed = {name: value for name, value in content.items() if name != "signature"}
        key.verify(bytes.fromhex(signature), canonical(signed))
    except (InvalidSignature, ValueError):
        raise changed from None
    return content


def read_certificate(path: Path) -> dict[str, Any]:
    """
    Raises:
        BadInput: there is none, or it is not what was signed.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise BadInput(f"{path}: no such certificate; expected a .json file of a workspace's certificates/.") from None
    return opened(data, str(path))


def file_name(number: int) -> str:
    return f"certificate-{number:04d}.json"


def ledger_entry(number: int, request: str, certificate: bytes, previous: str) -> LedgerEntry:
    """The next link of the chain."""
    digest = hashlib.sha256(certificate).hexdigest()
    return LedgerEntry(number, request, digest, previous, _link(number, request, digest, previous))


def ledger_faults(entries: Sequence[LedgerEntry], folder: Path) -> list[str]:
    """What is wrong with a ledger and the certificates beside it; nothing where all is as it was written."""
    faults, previous = [], FIRST
    for position, entry in enumerate(entries, start=1):
        if entry.number != position:
            faults.append(f"entry {position} is missing or out of its place")
            break
        if entry.previous != previous or entry.entry != _link(
            entry.number, entry.request, entry.certificate, entry.previous
        ):
            faults.append(f"entry {position} does not follow from the one before it")
        path = folder / file_name(entry.number)
        if not path.is_file():
            faults.append(f"{path.name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry.certificate:
            faults.append(f"{path.name} is not the one that was entered")
        previous = entry.entry
    extra = sorted(
        {path.name for path in folder.glob("certificate-*.json")} - {file_name(entry.number) for entry in entries}
    )
    return faults + [f"{name} is not in the ledger" for name in extra]


def _link(number: int, request: str, certificate: str, previous: str) -> str:
    return hashlib.sha256(f"{number}\0{request}\0{certificate}\0{previous}".encode()).hexdigest()
