"""Who is held, as the labelling page shows it: every player with pictures, and what forgetting one would do."""

import shlex
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from classifier.catalog import open_catalog
from classifier.errors import BadInput
from classifier.workspace import Workspace
from tracker.cli.parameters import DEFAULT_WORKSPACE
from tracker.label_desk import LabelDesk
from tracker.label_store import Card, Person
from tracker.pages.server import json_body


class HeldPeople:
    """Reads the catalog and the labels, and changes nothing.

    Args:
        desk: The run that is labelled; all runs of its workspace are looked at.
    """

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/holdings", self._holdings),
            Route("/api/forget-preview", self._forget_preview, methods=["POST"]),
            Route("/held/{digest}", self._held),
        ]

    def _holdings(self, request: Request) -> Response:
        """Every player: crops, runs, shards, consent, what forgetting costs."""
        from classifier.holdings import list_players

        del request
        place = Workspace(self._desk.run.workspace)
        people: dict[str, Person] = {person.name: person for person in self._desk.store.rows(Person)}
        held: dict[str, dict[str, Any]] = {}
        if place.catalog.exists():
            with open_catalog(place) as catalog:
                crops, sources = catalog.crops(), catalog.sources()
            for each in list_players(place.path):
                held[each.player] = {
                    "name": each.player, "named": each.kind == "named", "team": each.team, "crops": each.crops,
                    "shards": [shard + 1 for shard in each.shards], "cost": each.forgetting_share, "runs": set(),
                    "pictures": [],
                }  # fmt: skip
            for crop in crops:
                for name in crop.players:
                    held[name]["pictures"].append(crop.digest)
                    held[name]["runs"] |= {place_.partition("/")[0] for place_ in sources.get(crop.digest, ())}
        for name in people:
            held.setdefault(name, {"name": name, "named": True, "team": None, "crops": 0, "shards": [], "cost": None,
                                   "runs": set(), "pictures": []})  # fmt: skip
        for card in self._desk.store.rows(Card):
            if card.player in held:
                held[card.player]["runs"].add(card.run)
                held[card.player]["team"] = held[card.player]["team"] or card.team
        for name, row in held.items():
            person = people.get(name, Person(name))
            row |= {"runs": sorted(row["runs"]), "number": person.number, "consent": person.consent,
                    "consent_date": person.consent_date}  # fmt: skip
        ordered = sorted(held.values(), key=lambda row: (not row["named"], row["team"] or "~", row["name"]))
        return JSONResponse({"players": ordered})

    async def _forget_preview(self, request: Request) -> Response:
        body = await json_body(request)
        player = body.get("player")
        if not isinstance(player, str):
            raise BadInput("expected player, a name")
        return JSONResponse(await run_in_threadpool(self._dry_run, player))

    def _dry_run(self, player: str) -> dict[str, Any]:
        from classifier.forgetting import look_up
        from tracker.erasable_runs import ErasableRuns

        workspace = self._desk.run.workspace
        found = look_up(workspace, [player], ErasableRuns())
        where = [] if workspace == DEFAULT_WORKSPACE else ["-w", str(workspace)]
        return {
            "player": player,
            "crops": len(found.crops),
            "with_others": len(found.with_others),
            "near_copies": len(found.near_copies),
            "tracks": [f"{run}, track {track}" for run, track in found.tracks],
            "shards": [touched.shard + 1 for touched in found.touched],
            "share": found.share,
            "seconds": found.predicted_s,
            "thin": list(found.thin),
            "pictures": [crop.digest for crop in found.crops],
            "command": shlex.join(["cleansheet", "forget-player", player, *where]),
        }

    def _held(self, request: Request) -> Response:
        place, digest = Workspace(self._desk.run.workspace), request.path_params["digest"]
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise BadInput("there is no such picture")
        found = [path for path in (place.crops / digest[:2]).glob(f"{digest}.*") if path.is_file()]
        if not found:
            raise BadInput("there is no such picture any more")
        return FileResponse(found[0])
