"""Checking a certificate: its signature, the ledger, the workspace, and by training again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifier.catalog import open_catalog
from classifier.certificate import file_name, ledger_faults, read_certificate
from classifier.checkpoints import load_state, state_fingerprint
from classifier.ensemble import read_manifest
from classifier.environment import environment
from classifier.erasure import recorded_recipe
from classifier.errors import BadInput, CleansheetError
from classifier.forgetting import compare_with_retraining
from classifier.keys import has_keys, signing_key, token
from classifier.plan import extend_plan
from classifier.roster import holdings, trainable
from classifier.state import fingerprint
from classifier.training import TrainProgress, shard_jobs
from classifier.workspace import Workspace


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    holds: bool | None
    """None: not checked; `says` tells why."""
    says: str


@dataclass(frozen=True)
class Verification:
    """All that was looked at."""

    number: int
    kind: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that was looked at is wrong."""
        return all(check.holds is not False for check in self.checks)


def verify(
    path: Path, workspace: Path | None, *, retrain: bool = False, workers: int | None = None,
    progress: Callable[[TrainProgress], None] | None = None,
) -> Verification:  # fmt: skip
    """Check a certificate as far as can be.

    Args:
        path: The certificate's JSON.
        workspace: Where it was issued; None or a folder without a catalog checks the signature alone.
        retrain: Also train the shards that it names again, from nothing, in fresh processes.
        workers: Training processes.
        progress: Hears of the training.

    Raises:
        BadInput: it is no certificate, or not what was signed; `retrain` without a workspace.
    """
    content = read_certificate(path)
    checks = [Check("signature", True, f"made by the key {content['public_key'][:16]}…, over every byte of the file")]
    place = None if workspace is None else Workspace(workspace)
    if place is None or not place.catalog.exists():
        if retrain:
            raise BadInput(f"no workspace at {workspace}: --retrain needs the one that the certificate is about.")
        why = "no workspace here: neither the ledger nor the classifier can be looked at"
        return Verification(content["number"], content["kind"], (*checks, Check("workspace", None, why)))
    own = has_keys(place) and content["public_key"] == signing_key(place).public_key().public_bytes_raw().hex()
    checks.append(Check("issuer", own, "this workspace's key" if own else "the key is not this workspace's"))
    with open_catalog(place) as catalog:
        entries, crops, plan, players = catalog.ledger(), catalog.crops(), catalog.plan(), catalog.players()
    faults = ledger_faults(entries, place.certificates)
    if not any(entry.number == content["number"] for entry in entries):
        faults.insert(0, f"this certificate's entry ({content['number']}) is missing")
    elif (place.certificates / file_name(content["number"])).read_bytes() != path.read_bytes():
        faults.insert(0, "the workspace holds another certificate under this number")
    checks.append(Check("ledger", not faults, "; ".join(faults) or f"{len(entries)} entries, each from the one before"))
    if content["kind"] == "erasure":
        subjects = set(content["subjects"])
        back = [p.name for p in players if token(place, "player", p.name) in subjects]
        says = "someone of this pseudonym is in the catalog" if back else "nobody of these pseudonyms is in the catalog"
        checks.append(Check("absence", not back, says))
        left = content["leftovers"]["found"]
        files = content["leftovers"]["files_searched"]
        says = f"when it was issued, {files} files were searched and {left} held something"
        checks.append(Check("leftovers", left == 0, says))
    names = {proof["checkpoint"]: proof["rebuilt"] for proof in content["retrained_in_a_fresh_process"]}
    checks.append(_checkpoints(place, names))
    if not retrain:
        checks.append(Check("retraining", None, "not done: give --retrain to train the shards again from nothing"))
        return Verification(content["number"], content["kind"], tuple(checks))
    recipe = recorded_recipe(place)
    here = environment(recipe.member)
    if content["environment"] != here:
        differs = sorted(k for k, v in here.items() if content["environment"].get(k) != v)
        why = f"this machine or its software is another ({', '.join(differs)}): bits are promised for the same alone"
        checks.append(Check("environment", None, why))
    used = trainable(crops)
    shards = {touched["shard"] - 1 for touched in content["touched"]}
    jobs = []
    if plan is not None:
        every = shard_jobs(place, extend_plan(plan, holdings(used)), used, recipe)
        jobs = [job for job in every if job.shard in shards]
    proofs = compare_with_retraining(place, jobs, workers, progress)
    wrong = [
        p for p in proofs if p["rebuilt"] != p["retrained"] or names.get(p["checkpoint"], p["rebuilt"]) != p["rebuilt"]
    ]
    same = sum(proof["checkpoint"] in names for proof in proofs)
    served = _served(place, {job.names()[-1] for job in jobs})
    says = (
        f"{len(wrong)} of {len(proofs)} checkpoints differ from a training from nothing: cleansheet train"
        if wrong
        else f"{len(proofs)} checkpoints trained again from nothing in a fresh process, all equal bit for bit; "
        f"{same} of them are the certificate's own" + ("" if same == len(proofs) else ", the others were renewed since")
    )
    checks.append(Check("retraining", not wrong and served, says if served else "the ensemble serves other weights"))
    return Verification(content["number"], content["kind"], tuple(checks))


def _checkpoints(place: Workspace, names: dict[str, str]) -> Check:
    """Whether the checkpoints that the certificate names are still the ones it saw."""
    there = {name: load_state(place.shards, name) for name in names}
    wrong = [name for name, state in there.items() if state is not None and state_fingerprint(state) != names[name]]
    gone = sum(state is None for state in there.values())
    if wrong:
        return Check("checkpoints", False, f"{len(wrong)} of {len(names)} are not what the certificate saw")
    if not names:
        return Check("checkpoints", True, "none had to be trained again")
    says = f"{len(names) - gone} of {len(names)} are there, with the certificate's fingerprints"
    return Check("checkpoints", True, says + (f"; {gone} were replaced by later changes" if gone else ""))


def _served(place: Workspace, last: set[str]) -> bool:
    """Whether the ensemble's weights are those of these shards' last checkpoints."""
    try:
        entries = {entry["file"].removesuffix(".safetensors"): entry["sha256"] for entry in
                   read_manifest(place.path)["constituents"]}  # fmt: skip
    except CleansheetError:
        return not last
    states = {name: load_state(place.shards, name) for name in last}
    return all(
        state is not None and entries.get(name, fingerprint(state.model)) == fingerprint(state.model)
        for name, state in states.items()
    )
