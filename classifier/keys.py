"""The workspace's own secrets: one for pseudonyms (HMAC), one to sign certificates with (Ed25519)."""

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classifier.atomic_file import write_whole
from classifier.errors import CleansheetError
from classifier.workspace import Workspace

BYTES = 32
SIGNING = "signing.key"


def signing_key(place: Workspace) -> Ed25519PrivateKey:
    """The key that certificates are signed with; made the first time."""
    return Ed25519PrivateKey.from_private_bytes(_secret(place.keys / SIGNING))


def has_keys(place: Workspace) -> bool:
    """Whether this workspace ever signed anything."""
    return (place.keys / SIGNING).exists()


def token(place: Workspace, kind: str, text: str) -> str:
    """A pseudonym, 64 hexadecimal digits: it tells whether two texts are equal, and without the secret nothing else.

    Args:
        place: Whose secret to use; made the first time.
        kind: `player`, `track`, `crop` or `look`, so that equal texts of two kinds differ.
        text: What is named.
    """
    return hmac.new(_secret(place.keys / "pseudonyms.key"), f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        write_whole(path, os.urandom(BYTES), mode=0o600)
        secret = path.read_bytes()
    if len(secret) != BYTES:
        raise CleansheetError(f"{path} is damaged: it has {len(secret)} bytes instead of {BYTES}; restore it.")
    return secret
