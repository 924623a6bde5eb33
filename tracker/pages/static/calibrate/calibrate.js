// Calibrating by hand: a place on the frame and the same place on the rink make a point. The server does the maths.

import { ask } from "/shared/ask.js";
import { FramePane } from "./frame-pane.js";
import { RinkPane } from "./rink-pane.js";
import { clock, fill, when } from "./words.js";

const $ = (id) => document.getElementById(id);
const start = await ask("/api/start");

let rink = start.rink;
let points = start.points.map((p) => ({ ...p, frame: p.frame ?? 0 }));
let still = start.points.length === 0 || start.still;
let frame = points.length ? points[0].frame : 0;
let chosen = null; // index of a point
let pending = {}; // { image } or { rink, name }: the half of a point that is placed already
let checked = { views: [] };
let saved = true;
let asked = 0;
const past = [], future = [];

const framePane = new FramePane($("frame"), { width: start.width, height: start.height,
  onPlace: placeOnFrame, onMove: moveOnFrame, onMoved: refit, onChoose: choose, onAim: aim });
const rinkPane = new RinkPane($("ice"), { onPlace: placeOnRink, onMove: moveOnRink, onMoved: refit, onChoose: choose });

// ---- points -------------------------------------------------------------------------------------------------------

function remember() {
  past.push(JSON.stringify(points));
  future.length = 0;
  saved = false;
}

function travel(from, to) {
  if (!from.length) return;
  to.push(JSON.stringify(points));
  points = JSON.parse(from.pop());
  chosen = null;
  pending = {};
  saved = false;
  refit();
}

const here = (p) => still || p.frame === frame;

function placeOnFrame(image) {
  if (pending.rink) complete({ image, ...pending });
  else {
    pending = { image };
    chosen = null;
    show();
    if (framePane.byKeyboard) $("landmark").focus();
  }
}

function placeOnRink(place) {
  if (pending.image) complete({ ...pending, rink: place.rink, name: place.name });
  else {
    pending = { rink: place.rink, name: place.name };
    chosen = null;
    show();
  }
}

function complete(point) {
  const twice = points.findIndex((p) => here(p) && point.name && p.name === point.name);
  remember();
  const whole = { image: point.image, rink: point.rink, name: point.name, frame };
  if (twice >= 0) points[twice] = whole; // the same mark again: it is corrected, not doubled
  else points.push(whole);
  pending = {};
  chosen = null;
  if (framePane.byKeyboard) $("frame").focus();
  refit();
}

let dragging = null;
function beginDrag(index) {
  if (dragging !== index) remember();
  dragging = index;
  chosen = index;
}

function moveOnFrame(index, image) {
  beginDrag(index);
  points[index] = { ...points[index], image };
  refit();
}

function moveOnRink(index, place) {
  beginDrag(index);
  points[index] = { ...points[index], rink: place.rink, name: place.name };
  refit();
}

function choose(index) {
  dragging = null;
  chosen = index;
  if (index !== null && !here(points[index])) goTo(points[index].frame);
  show();
}

function remove(index) {
  remember();
  points.splice(index, 1);
  chosen = null;
  refit();
}

// ---- what the server says -----------------------------------------------------------------------------------------

function placed() {
  return { rink: rink.name, still, points };
}

let underWay = null;
let notice = null; // what saving said, until something changes
function refit() { // one question at a time; what changes meanwhile is asked about afterwards
  asked += 1;
  notice = null;
  show();
  underWay ??= askUntilAnswered().finally(() => { underWay = null; });
  return underWay;
}

async function askUntilAnswered() {
  for (let answered = -1; answered !== asked;) {
    answered = asked;
    try {
      checked = await ask("/api/fit", placed());
    } catch (error) {
      checked = { views: [], failed: error.message };
    }
    show();
  }
}

async function save() {
  const sent = JSON.stringify(placed());
  try {
    const done = await ask("/api/save", placed());
    saved = sent === JSON.stringify(placed());
    const error = done.rms_cm === null ? "" : `, ${done.rms_cm} cm on average`;
    notice = ["good", `Saved to ${done.output}: ${done.points} points${done.views > 1 ? ` on ${done.views} frames` : ""}${error}.`];
  } catch (error) {
    if (sent === JSON.stringify(placed())) notice = ["bad", error.message]; // else it is about what is gone
  }
  show();
}

let rinksAsked = 0;
let trouble = ""; // with the rink that was asked for
async function changeRink() {
  const own = $("rink").value === "own";
  $("size").hidden = !own;
  const size = `${$("length").value.trim()}x${$("width").value.trim()}`;
  const name = own ? ($("inline").checked ? `inline-${size}` : size) : $("rink").value;
  const mine = ++rinksAsked;
  try {
    const answer = await ask(`/api/rink?name=${encodeURIComponent(name)}`);
    if (mine !== rinksAsked) return;
    rink = answer;
    trouble = "";
  } catch (error) {
    if (mine === rinksAsked) trouble = error.message;
    show();
    return;
  }
  const known = Object.fromEntries(rink.landmarks.map((place) => [place.name, [place.x_m, place.y_m]]));
  points = points.map((p) => (known[p.name] ? { ...p, rink: known[p.name] } : p)); // a mark stays that mark
  pending = {};
  saved = false;
  showRink();
  refit();
}

// ---- showing ------------------------------------------------------------------------------------------------------

const viewHere = () => checked.views.find((view) => still || view.frame === frame);

function errorsOf(index) {
  const view = checked.views.find((v) => still || v.frame === points[index].frame);
  if (!view) return {};
  const at = points.slice(0, index).filter((p) => still || p.frame === points[index].frame).length;
  return { cm: view.errors_cm[at], worst: view.worst === at && view.culprit === null, wrong: view.culprit === at };
}

function show() {
  const view = viewHere();
  const marked = points.map((p, index) => ({ ...p, index, number: index + 1, chosen: index === chosen, ...errorsOf(index) }));
  const shown = marked.filter(here);
  framePane.show({ points: shown, pending: pending.image, waiting: Boolean(pending.rink), lines: view?.lines ?? [], matrix: view?.matrix });
  const guess = pending.image && view?.matrix ? rinkPane.nearest(toRink(view.matrix, pending.image)) : null;
  rinkPane.show({ points: shown, pending: pending.rink, waiting: Boolean(pending.image), guess });
  if (guess && document.activeElement !== $("landmark")) $("landmark").value = guess.name;
  showList(marked);
  showVerdict(view, shown.length);
  showHint(shown.length, guess);
  showFrames();
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  $("save").disabled = saved || !points.length;
}

function showHint(count, guess) {
  const hint = pending.image && guess ? `Is this the ${guess.name}? Enter says yes; or click its place on the rink.`
    : pending.image ? "Now the same place on the rink: click it (it snaps to marks; hold Alt for a free place), or choose it by name below."
    : pending.rink ? `Now click ${pending.name ? `the ${pending.name}` : "the same place"} on the frame.`
    : count === 0 ? "Click something on the frame that you can also find on the rink: where a line meets the boards, a spot, a goal post. Arrows and Enter work too."
    : count < 4 ? `${4 - count} more, far apart, no three on one line.`
    : "The green lines should lie on the painted ones everywhere. Add points where they do not; drag points to correct them.";
  if ($("hint").textContent !== hint) $("hint").textContent = hint;
}

function say(kind, text) {
  $("verdict").className = kind;
  $("verdict").textContent = text;
}

function showVerdict(view, count) {
  if (trouble) return say("bad", trouble);
  if (notice) return say(...notice);
  if (checked.failed) return say("bad", checked.failed);
  if (count < 4) return say("", `${count} of 4 points on this ${still ? "camera" : "frame"}.`);
  if (!view) return say("", "");
  if (view.complaint) return say("bad", view.complaint[0].toUpperCase() + view.complaint.slice(1) + ".");
  if (view.worst === null) return say("", "Any four points fit exactly. A fifth will show how good they are.");
  const index = points.map((p, i) => i).filter((i) => here(points[i]))[view.worst];
  const name = points[index].name ? ` (${points[index].name})` : "";
  return say(view.rms_cm <= 30 ? "good" : "bad",
    `Error ${view.rms_cm.toFixed(1)} cm on average; the worst is point ${index + 1}${name}, ${view.errors_cm[view.worst].toFixed(1)} cm.`);
}

function showList(marked) {
  fill($("points"), marked, (p) => {
    const item = document.createElement("li");
    item.className = p.wrong ? "wrong" : p.worst ? "worst" : "";
    if (p.chosen) item.setAttribute("aria-current", "true");
    const number = document.createElement("b"), name = document.createElement("button");
    const cm = document.createElement("span"), away = document.createElement("button");
    number.textContent = p.number;
    name.className = "name";
    name.textContent = (p.name || `${p.rink[0].toFixed(2)}, ${p.rink[1].toFixed(2)} m`) + (still ? "" : ` · frame ${p.frame}`);
    name.title = name.textContent;
    cm.className = "cm";
    cm.textContent = p.cm === null || p.cm === undefined ? "" : `${p.cm.toFixed(1)} cm${p.worst ? " worst" : p.wrong ? " wrong" : ""}`;
    away.className = "plain";
    away.textContent = "×";
    away.setAttribute("aria-label", `delete point ${p.number}`);
    away.title = "delete (Del)";
    away.onclick = (event) => { event.stopPropagation(); remove(p.index); };
    item.onclick = () => choose(p.index);
    item.append(number, name, cm, away);
    return item;
  });
}

function showFrames() {
  const counts = new Map();
  if (!still) for (const p of points) counts.set(p.frame, (counts.get(p.frame) ?? 0) + 1);
  const frames = [...counts.keys()].sort((a, b) => a - b);
  fill($("frames"), frames, (index) => {
    const button = document.createElement("button");
    button.textContent = `${clock(start.times[index])} · ${counts.get(index)}`;
    button.title = `frame ${index}: ${counts.get(index)} points`;
    button.setAttribute("aria-pressed", String(index === frame));
    button.onclick = () => goTo(index);
    return button;
  });
  $("still").checked = still;
  $("still").disabled = new Set(points.map((p) => p.frame)).size > 1 && !still;
  $("time").textContent = `${when(start.times[frame])} · frame ${frame}`;
  $("seek").value = frame;
}

function showRink() {
  rinkPane.setRink(rink);
  fill($("landmark"), rink.landmarks, (place) => new Option(place.name, place.name));
}

function showRinkChoice() { // once: later the user is typing there
  const preset = start.presets.includes(rink.name);
  $("rink").value = preset ? rink.name : "own";
  $("size").hidden = preset;
  if (!preset) {
    $("length").value = rink.length_m;
    $("width").value = rink.width_m;
    $("inline").checked = rink.name.startsWith("inline");
  }
}

function turnTo(index) {
  const to = Math.min(Math.max(index, 0), start.frames - 1);
  if (!still && to !== frame) { pending = {}; chosen = null; } // half a point belongs to the frame it was begun on
  frame = to;
  show();
}

async function goTo(index) {
  turnTo(index);
  await framePane.load(`/api/frame/${frame}`);
}

// pixels to rink metres, to guess which mark was clicked: the inverse of the server's matrix
function toRink(m, [u, v]) {
  const [a, b, c] = [m[0][0] - u * m[2][0], m[0][1] - u * m[2][1], u * m[2][2] - m[0][2]];
  const [d, e, f] = [m[1][0] - v * m[2][0], m[1][1] - v * m[2][1], v * m[2][2] - m[1][2]];
  const det = a * e - b * d;
  return [(c * e - b * f) / det, (a * f - c * d) / det];
}

function aim(image) {
  const view = viewHere();
  rinkPane.aim(image && view?.matrix ? toRink(view.matrix, image) : null);
}

// ---- controls -----------------------------------------------------------------------------------------------------

function chooseLandmark() {
  const place = rink.landmarks.find((p) => p.name === $("landmark").value);
  if (place) placeOnRink({ rink: [place.x_m, place.y_m], name: place.name });
}

$("video").textContent = start.video;
$("save").title = `Ctrl+S: ${start.output}`;
$("seek").max = start.frames - 1;
fill($("rink"), [...start.presets, "own"], (name) => new Option(name === "own" ? "another size" : name.toUpperCase(), name));
$("rink").onchange = changeRink;
for (const id of ["length", "width", "inline"]) $(id).onchange = changeRink;
$("still").onchange = () => {
  still = $("still").checked;
  if (!still) points = points.map((p) => ({ ...p, frame: p.frame ?? frame }));
  saved = false;
  refit();
};
let seeking;
$("seek").oninput = () => { clearTimeout(seeking); turnTo(Number($("seek").value)); seeking = setTimeout(() => goTo(frame), 60); };
$("back").onclick = () => goTo(frame - 1);
$("on").onclick = () => goTo(frame + 1);
$("undo").onclick = () => travel(past, future);
$("redo").onclick = () => travel(future, past);
$("save").onclick = save;
$("choose").onclick = chooseLandmark;
$("landmark").onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); chooseLandmark(); } };

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), select");
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z") { event.preventDefault(); event.shiftKey ? travel(future, past) : travel(past, future); }
  else if (command && key === "y") { event.preventDefault(); travel(future, past); }
  else if (command && key === "s") { event.preventDefault(); if (!$("save").disabled) save(); }
  else if (typing || command) return;
  else if ((key === "delete" || key === "backspace") && chosen !== null) { event.preventDefault(); remove(chosen); }
  else if (key === "escape") { pending = {}; chosen = null; show(); }
  else if (key === ",") goTo(frame - 1);
  else if (key === ".") goTo(frame + 1);
  else if (key === "enter" && pending.image && event.target.id !== "frame" && !event.target.matches("button")) chooseLandmark();
});
window.addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });

framePane.onEnterWhilePending = () => {
  const view = viewHere();
  const guess = pending.image && view?.matrix ? rinkPane.nearest(toRink(view.matrix, pending.image)) : null;
  if (!guess) return false;
  placeOnRink({ rink: [guess.x_m, guess.y_m], name: guess.name });
  return true;
};
framePane.onNudge = (dx, dy) => {
  if (chosen === null || !here(points[chosen])) return false;
  const [u, v] = points[chosen].image;
  moveOnFrame(chosen, framePane.inside([u + dx, v + dy]));
  return true;
};

showRinkChoice();
showRink();
await goTo(frame);
await refit();
saved = true;
show();
document.body.dataset.ready = "true";
