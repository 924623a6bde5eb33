// The dialogs: training and processing with their progress and results, and everything that is held about people.

import { ask } from "/shared/ask.js";
import { cards, isSure, make } from "./state.js";

const job = document.getElementById("job");
const jobBody = document.getElementById("job-body");
const jobTitle = document.getElementById("job-title");
const held = document.getElementById("held");
const heldBody = document.getElementById("held-body");
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
let acts;
let latest = null; // the job, as it was heard last

export function beginDialogs(actions) { acts = actions; }

/** Begin, or show what is under way. */
export async function startJob(kind) {
  if (latest?.state === "running") { job.showModal(); return; }
  drawJob({ kind, state: "running", step: "beginning", share: 0 });
  if (!job.open) job.showModal();
  try {
    await ask("/api/job", { kind }); // what comes of it is heard like all news, in its order
  } catch (error) {
    drawJob({ kind, state: "failed", error: error.message });
  }
}

export function drawJob(now) {
  latest = now;
  document.getElementById("train").textContent = now.state === "running" ? "At work …" : "Train";
  if (now.state === "idle") return;
  jobTitle.textContent = now.kind === "train" ? "Training on what you said" : "Processing the video again";
  if (now.state === "running") {
    const bar = jobBody.querySelector("progress");
    if (bar) {
      bar.value = now.share;
      jobBody.querySelector(".step").textContent = now.step;
    } else {
      jobBody.replaceChildren(
        make("p", { className: "step", role: "status" }, now.step),
        make("progress", { max: 1, value: now.share, "aria-label": "how far it is" }),
        make("p", { className: "soft" }, "You can close this and go on labelling; it goes on by itself."));
    }
  } else if (now.state === "failed") {
    jobBody.replaceChildren(make("p", { className: "said-wrong" }, now.error));
  } else if (now.kind === "train") jobBody.replaceChildren(...trained(now.result));
  else jobBody.replaceChildren(...processed(now.result));
}

function trained(result) {
  const parts = [];
  if (result.accuracy !== null) {
    parts.push(
      make("p", { className: "figure" }, percent(result.accuracy, 1)),
      make("p", {}, `of the pictures of players it never saw got the right team (${result.folds} times some players were left out; with other players of this sort ${percent(result.low)} to ${percent(result.high)}).`));
  }
  parts.push(make("p", { className: "soft" }, `Learnt from ${result.crops} pictures of ${result.players} players: ${result.teams.join(", ")}.`));
  if (result.suppressed) parts.push(make("p", { className: "said-wrong" }, `${result.suppressed} pictures are of people who were forgotten: they were not taken in again.`));
  for (const note of result.notes) parts.push(make("p", { className: "soft" }, note));
  if (result.doubtful.length) {
    parts.push(make("h3", {}, "Doubtful: is the label right?"), make("div", { className: "doubts" }, ...result.doubtful.map((doubt) => {
      const look = make("button", { title: `labelled ${doubt.team}, looks like ${doubt.called}` },
        make("img", { src: `/crop/${doubt.picture}.jpg`, alt: "" }), `${doubt.team}? ${doubt.called}?`);
      look.addEventListener("click", () => { job.close(); acts.show(doubt.card); });
      return look;
    })));
  }
  const again = make("button", { className: "main", id: "process" }, "Process the video again");
  again.addEventListener("click", () => acts.start("process"));
  parts.push(
    make("h3", {}, "Next"),
    make("p", {}, [...cards.values()].some((card) => !isSure(card))
      ? "The cards that are still open are sorted by this classifier now, the least certain on top: these gain most. Or process the video again, for teams and statistics."
      : "Process the video again: its tracks get their teams, and the teams their statistics."),
    make("p", {}, again));
  return parts;
}

function processed(result) {
  const number = (value, digits) => (value === null ? "–" : value.toFixed(digits));
  const estimate = result.teams.some((team) => team.metres === "estimated") ? " (estimate)" : "";
  const rows = result.teams.map((team) => make("tr", {}, make("td", { dir: "auto" }, team.team), make("td", {}, number(team.skaters_median, 0)),
    make("td", {}, number(team.distance_m, 0)), make("td", {}, number(team.top_speed_mps, 1))));
  return [
    rows.length
      ? make("table", {}, make("thead", {}, make("tr", {}, ...["team", "skaters", `distance m${estimate}`, `top m/s${estimate}`].map((text) => make("th", {}, text)))), make("tbody", {}, ...rows))
      : make("p", {}, "No team has figures yet."),
    ...result.warnings.map((text) => make("p", { className: "soft" }, text)),
    make("p", {}, "The match on one page: ", make("code", {}, `${result.folder}/report.html`), ". All tables and pictures lie beside it."),
  ];
}

export async function openHeld() {
  heldBody.replaceChildren(make("p", { className: "soft" }, "looking …"));
  held.showModal();
  try {
    drawHeld((await ask("/api/holdings")).players);
  } catch (error) {
    heldBody.replaceChildren(make("p", { className: "said-wrong" }, error.message));
  }
}

function drawHeld(players) {
  if (!players.length) {
    heldBody.replaceChildren(make("p", {}, "Nobody yet: no player is named, and nothing was learnt."));
    return;
  }
  const named = players.filter((player) => player.named);
  const rest = players.length - named.length;
  const table = (rows) => make("table", {},
    make("thead", {}, make("tr", {}, ...["player", "team", "pictures", "", "runs", "shards", "consent", ""].map((text) => make("th", {}, text)))),
    make("tbody", {}, ...rows.map(heldRow)));
  const more = make("button", { className: "plain" }, `Show the ${rest} tracks and pictures that nobody named`);
  more.addEventListener("click", () => more.replaceWith(table(players.filter((player) => !player.named))));
  heldBody.replaceChildren(
    ...(named.length ? [table(named)] : [make("p", {}, "Nobody is named yet.")]),
    ...(rest ? [make("p", {}, more)] : []));
}

function heldRow(player) {
  const look = make("button", { title: "what would go, and what it costs; nothing is changed" }, "Forget?");
  look.addEventListener("click", () => preview(player.name));
  const consent = { unknown: "not known", given: "given", withdrawn: "withdrawn" }[player.consent];
  return make("tr", {},
    make("td", { dir: "auto" }, player.number ? `${player.number} ${player.name}` : player.name),
    make("td", { dir: "auto" }, player.team ?? "–"),
    make("td", {}, String(player.crops)),
    make("td", {}, ...player.pictures.slice(0, 3).map((digest) => make("img", { src: `/held/${digest}`, alt: "", loading: "lazy" }))),
    make("td", {}, player.runs.join(", ") || "–"),
    make("td", {}, player.shards.join(", ") || "–"),
    make("td", {}, player.consent_date ? `${consent}, ${player.consent_date}` : consent),
    make("td", {}, look));
}

async function preview(name) {
  const back = make("button", {}, "Back");
  back.addEventListener("click", async () => drawHeld((await ask("/api/holdings")).players));
  try {
    const found = await ask("/api/forget-preview", { player: name });
    const facts = [
      `${found.crops} pictures of theirs would go${found.with_others ? `, ${found.with_others} of them show others too` : ""}${found.near_copies ? `; ${found.near_copies} are copies under another label` : ""}.`,
      found.tracks.length ? `Out of the runs: ${found.tracks.join("; ")}.` : "They are on no track of a run.",
      found.shards.length
        ? `Shard ${found.shards.join(", ")} is trained again: ${percent(found.share, 1)} of a full training, about ${found.seconds.toFixed(0)} s.`
        : "Nothing was learnt from them, so nothing is trained again.",
      ...found.thin,
    ];
    heldBody.replaceChildren(
      make("h3", { dir: "auto" }, `If ${name} asks to be forgotten`),
      make("p", {}, ...found.pictures.slice(0, 24).map((digest) => make("img", { src: `/held/${digest}`, alt: "", height: 72 }))),
      ...facts.map((text) => make("p", {}, text)),
      make("p", {}, "Nothing was changed. It is done in the terminal, which asks first, and gives a certificate:"),
      make("p", {}, make("code", {}, found.command)), make("p", {}, back));
  } catch (error) {
    heldBody.replaceChildren(make("p", { className: "said-wrong" }, error.message), make("p", {}, back));
  }
}

