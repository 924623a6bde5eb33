// The labelling page: actions, keys, and what is heard from the server.

import { ask } from "/shared/ask.js";
import { letGo } from "/shared/press.js";
import { beginBoard, between, drawAll, drawSome, focusCard, focusedCard, markTargets, nextOpen, renameColumn, showChosen } from "./board.js";
import { beginDialogs, drawJob, openHeld, startJob } from "./dialogs.js";
import { beginDrawer, cutMode, drawDrawer, focusName } from "./drawer.js";
import { ASIDE, OPEN, cards, chosen, columnOf, isSure, make, me, state, takeIn } from "./state.js";

const at = (id) => document.getElementById(id);
let joining = null; // the card that waits for the one of the same person
let anchor = null; // where a Shift + click begins
let toastTimer;
let line = Promise.resolve(); // the actions that are not answered yet, one after the other
const busy = new Set(); // the cards that they are about
const AGAIN_MS = 1000; // until a board that could not be read is asked for again
let events; // what is heard from the server

function toast(text, wrong = false) {
  if (!text) return;
  at("toast").textContent = text;
  at("toast").classList.toggle("wrong", wrong);
  at("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { at("toast").hidden = true; }, wrong ? 9000 : 4000);
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json", "X-Page": me }, body: JSON.stringify(body),
  }).catch(() => { throw new Error("the program does not answer: is it still running in the terminal?"); });
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(value.error || `the program answered ${response.status}`);
  return value;
}

/** Do one thing after what was asked for before: two quick ones never overtake each other. */
function act(what, given = {}) {
  const done = line.then(() => actNow(what, given));
  line = done;
  return done;
}

async function actNow(what, given) {
  try {
    const done = await post(what === "undo" ? "/api/undo" : "/api/act", { what, ...given });
    await show(done);
    toast(done.said);
    return done;
  } catch (error) {
    toast(error.message, true);
    drawDrawer();
    return null;
  }
}

async function show(message) {
  await letGo(document);
  if (message.renamed) renameColumn(...message.renamed);
  const touched = takeIn(message.board, message.everything);
  if (message.everything) drawAll(); else drawSome(touched);
  drawRest();
}

function drawRest() {
  const all = [...cards.values()];
  const done = all.filter(isSure).length;
  document.title = `${state.run}: who plays for whom?`;
  at("run").textContent = state.run;
  at("run").title = state.run;
  at("progress").textContent = `${done} of ${all.length} cards done`;
  at("done").value = all.length ? done / all.length : 0;
  at("undo").disabled = !state.undo;
  at("undo").title = state.undo ? `take back: ${state.undo}` : "";
  at("players").replaceChildren(...state.players.map((player) => make("option", { value: player.name }, player.number ? `No. ${player.number}` : "")));
  drawDrawer();
}

/** Read the whole board; where that fails though the program is there, again a little later. */
async function reload() {
  try {
    const board = await ask("/api/board");
    await letGo(document);
    takeIn(board, true);
  } catch (error) {
    toast(error.message, true);
    if (events.readyState === EventSource.OPEN) setTimeout(reload, AGAIN_MS);
    return;
  }
  drawAll();
  drawRest();
}

const acts = {
  move(ids, column) {
    if (!ids.length || column === OPEN) return null;
    return column === ASIDE ? act("aside", { cards: ids }) : act("team", { cards: ids, team: column });
  },
  unsay: (ids) => act("unsay", { cards: ids }),
  rename: async (team, name) => { if (!(await act("rename-team", { team, name }))) drawAll(); },
  colour: (team, colour) => act("colour", { team, colour }),
  name: (card, player) => act("name", { card, player }),
  person: (player, said) => act("person", { player, ...said }),
  cut: (card, frame) => act("cut", { card, frame }),
  async addTeam(ids) {
    const name = prompt("What is the team called?")?.trim();
    if (name && (await act("add-team", { name }))) await acts.move(ids, name);
  },
  join(id) {
    joining = id;
    markTargets(true);
    toast("Now choose the other card of the same person (Esc: none).");
    focusCard(id);
  },
  async choose(id, { more = false, upTo = false } = {}) {
    if (id !== null && joining !== null && id !== joining) {
      const card = joining;
      endJoin();
      const done = await act("join", { card, onto: id });
      chosen.clear();
      chosen.add(done ? id : card);
    } else if (id === null) {
      chosen.clear();
    } else if (upTo && anchor !== null && cards.has(anchor)) {
      between(anchor, id).forEach((each) => chosen.add(each));
    } else if (more) {
      if (!chosen.delete(id)) chosen.add(id);
      anchor = id;
    } else {
      chosen.clear();
      chosen.add(id);
      anchor = id;
    }
    cutMode(false);
    showChosen();
  },
  show(id) {
    acts.choose(id);
    focusCard(id);
  },
  back: (id) => focusCard(id),
  start: startJob,
  /** A key on a card; whether it meant something. */
  key(key, id) {
    const ids = chosen.has(id) ? [...chosen] : [id];
    if (key === "Enter") {
      if (joining !== null) { acts.choose(id); return true; }
      doAndGoOn(id, ids, columnOf(cards.get(id)));
    } else if (key === "0") doAndGoOn(id, ids, ASIDE);
    else if (/^[1-9]$/.test(key)) {
      const team = state.teams[Number(key) - 1];
      if (team) doAndGoOn(id, ids, team.name);
    } else if (key === " ") acts.choose(id, { more: true });
    else if (key === "n") { acts.choose(id); focusName(); }
    else if (key === "j") { acts.choose(id); acts.join(id); }
    else if (key === "x") { acts.choose(id); cutMode(true); document.querySelector(".scissors")?.focus(); }
    else return false;
    return true;
  },
};

/** Go on to the next card at once, so that the next key is for that one; back where it is refused. */
async function doAndGoOn(id, ids, column) {
  if (column === OPEN) return;
  for (const each of ids) busy.add(each);
  const next = nextOpen(id, busy);
  const mine = chosen.has(id);
  const go = (to) => {
    chosen.clear();
    if (mine) chosen.add(to);
    focusCard(to);
    showChosen();
    drawDrawer();
  };
  if (next !== null) go(next);
  const done = await acts.move(ids, column);
  for (const each of ids) busy.delete(each);
  if (!done && next !== null && focusedCard() === next) go(id);
}

function endJoin() {
  joining = null;
  markTargets(false);
}

function listen() {
  events = new EventSource("/api/events");
  // The board is read once the page hears of changes, so that none falls between: at first, and whenever it was cut off.
  events.addEventListener("open", () => {
    at("banner").hidden = true;
    reload();
  });
  events.addEventListener("error", () => {
    at("banner").textContent = events.readyState === EventSource.CLOSED
      ? "The program was started again: open the address that the terminal shows now. All that you did is saved."
      : "The program does not answer. All that you did is saved: start cleansheet label again.";
    at("banner").hidden = false;
  });
  events.addEventListener("message", async (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "job") drawJob(message);
    else if (message.type === "reload") { reload(); toast(message.said, message.wrong); }
    else if (message.by !== me) { await show(message); toast(`In another window: ${message.said}`); }
  });
}

beginBoard(acts);
beginDrawer(acts);
beginDialogs(acts);
at("undo").addEventListener("click", () => act("undo"));
at("train").addEventListener("click", () => acts.start("train"));
at("open-held").addEventListener("click", () => openHeld());
at("open-keys").addEventListener("click", () => at("keys").showModal());
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog[open]");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) { event.preventDefault(); act("undo"); }
  if (event.key === "Escape" && !typing) {
    const card = focusedCard();
    endJoin();
    acts.choose(null);
    if (card !== null) focusCard(card);
  }
  if (event.key === "?" && !typing) at("keys").showModal();
});
listen();
