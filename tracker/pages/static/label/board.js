// The columns and their cards: drawn, dragged, walked through with the keys.

import { ASIDE, OPEN, before, cards, chosen, columnOf, giveBack, inColumn, isSure, make, nameOf, openIn, renewField, state } from "./state.js";

const board = document.getElementById("board");
const elements = new Map(); // card id → its element, kept so that pictures are not fetched again
const columns = new Map(); // column → its section
const IN_STRIP = 5; // pictures on a card
let acts; // what the page does: { move, rename, colour, choose, key }
let last = null; // the card that had the focus last

export function beginBoard(actions) {
  acts = actions;
  board.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card) acts.choose(Number(card.dataset.id), { more: event.ctrlKey || event.metaKey, upTo: event.shiftKey });
  });
  board.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card) setStop(Number(card.dataset.id));
  });
  board.addEventListener("keydown", (event) => {
    const card = event.target.closest(".card");
    if (card && !event.altKey && !(event.ctrlKey || event.metaKey)) press(event, Number(card.dataset.id));
  });
  board.addEventListener("dragstart", (event) => {
    const card = event.target.closest(".card");
    if (!card) return;
    const id = Number(card.dataset.id);
    const dragged = chosen.has(id) ? [...chosen] : [id];
    event.dataTransfer.setData("application/x-cards", JSON.stringify(dragged));
    event.dataTransfer.effectAllowed = "move";
  });
  board.addEventListener("dragover", (event) => {
    const column = event.target.closest(".column");
    for (const other of columns.values()) other.classList.toggle("over", other === column);
    if (column && column.dataset.column !== OPEN) event.preventDefault();
  });
  board.addEventListener("dragend", () => columns.forEach((column) => column.classList.remove("over")));
  board.addEventListener("drop", (event) => {
    const column = event.target.closest(".column");
    columns.forEach((other) => other.classList.remove("over"));
    const data = event.dataTransfer.getData("application/x-cards");
    if (!column || !data) return;
    event.preventDefault();
    acts.move(JSON.parse(data), column.dataset.column);
  });
}

const MANY = 300;
const SCREENFUL = 60;

/** Draw the whole board, keeping what can be kept. Of very many cards the first of each column are shown before the others are laid. */
export function drawAll() {
  const most = elements.size === 0 && cards.size > MANY ? SCREENFUL : Infinity;
  if (most === SCREENFUL) setTimeout(drawAll, 400); // by then the first pictures are there
  const wanted = [...state.teams.map((team) => team.name), ASIDE];
  if ([...cards.values()].some((card) => columnOf(card) === OPEN)) wanted.unshift(OPEN);
  for (const [name, column] of columns) if (!wanted.includes(name)) { column.remove(); columns.delete(name); }
  const lists = new Map(wanted.map((name) => [name, []]));
  for (const card of cards.values()) lists.get(columnOf(card))?.push(card);
  const focused = focusedCard();
  for (const name of wanted) if (!columns.has(name)) columns.set(name, newColumn(name));
  order(wanted.map((name) => columns.get(name)));
  for (const name of wanted) {
    const list = columns.get(name).querySelector(".cards");
    list.replaceChildren(...lists.get(name).sort(before).slice(0, most).map((card) => drawn(card)));
    drawHead(name);
  }
  for (const [id] of elements) if (!cards.has(id)) elements.delete(id);
  if (!cards.has(last)) setStop(firstCard());
  if (focused !== null) elements.get(focused)?.focus({ preventScroll: true });
}

/** Lay columns in this order, and move around the one that has the focus: moved itself, it would lose it. */
function order(sections) {
  if (sections.every((section, place) => board.children[place] === section)) return;
  const middle = Math.max(0, sections.findIndex((section) => section.contains(document.activeElement)));
  if (!board.contains(sections[middle])) board.append(sections[middle]);
  sections[middle].before(...sections.slice(0, middle));
  board.append(...sections.slice(middle + 1));
}

/** Draw again only these cards, each in its place. */
export function drawSome(ids) {
  const names = new Set(state.teams.map((team) => team.name));
  const missing = [...ids].some((id) => cards.has(id) && ![OPEN, ASIDE].includes(columnOf(cards.get(id))) && !columns.has(columnOf(cards.get(id))));
  const stale = [...columns.keys()].some((name) => ![OPEN, ASIDE].includes(name) && !names.has(name));
  if (ids.size > 200 || missing || stale || (columns.has(OPEN) && !openIn(OPEN).length)) { drawAll(); return; }
  const focused = document.activeElement?.closest?.(".card")?.dataset.id;
  for (const id of ids) {
    const card = cards.get(id);
    if (!card) { elements.get(id)?.remove(); elements.delete(id); continue; }
    const column = columns.get(columnOf(card));
    if (!column) { drawAll(); return; }
    const list = column.querySelector(".cards");
    const element = drawn(card);
    const next = [...list.children].find((other) => other !== element && before(card, cards.get(Number(other.dataset.id)) ?? card) < 0);
    if (element.parentNode !== list || element.nextElementSibling !== (next ?? null)) list.insertBefore(element, next ?? null);
  }
  for (const name of columns.keys()) drawHead(name);
  if (focused && cards.has(Number(focused))) elements.get(Number(focused))?.focus({ preventScroll: true });
}

export function showChosen() {
  for (const [id, element] of elements) {
    element.classList.toggle("chosen", chosen.has(id));
    element.setAttribute("aria-selected", String(chosen.has(id)));
  }
}

export function markTargets(on) {
  for (const [id, element] of elements) element.classList.toggle("target", on && !chosen.has(id));
}

export function focusCard(id) {
  const element = elements.get(id);
  if (!element) return;
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
  element.focus();
}

export function focusedCard() {
  const id = Number(document.activeElement?.closest?.(".card")?.dataset.id);
  return cards.has(id) ? id : null;
}

/** The open card that comes after this one in its column and is not among those that are being done. */
export function nextOpen(id, busy) {
  const list = openIn(columnOf(cards.get(id)));
  const at = list.findIndex((card) => card.id === id);
  const free = (card) => !busy.has(card.id);
  return (list.slice(at + 1).find(free) ?? list.slice(0, Math.max(at, 0)).findLast(free))?.id ?? null;
}

/** The cards between two, in the column of the first. */
export function between(one, other) {
  const list = inColumn(columnOf(cards.get(one))).map((card) => card.id);
  const [from, to] = [list.indexOf(one), list.indexOf(other)].sort((a, b) => a - b);
  return from < 0 ? [other] : list.slice(from, to + 1);
}

function newColumn(name) {
  const column = make("section", { className: "column" });
  column.dataset.column = name;
  const team = () => column.dataset.column; // another one when the team is renamed
  const number = make("span", { className: "number", "aria-hidden": "true" });
  const title = make("div", { className: "title" });
  if (name === ASIDE) title.append(make("span", { className: "number" }, "0"), make("h2", {}, "Set aside"));
  else if (name === OPEN) title.append(make("h2", {}, "Not sorted yet"));
  else {
    const colour = make("input", { type: "color" });
    colour.addEventListener("change", () => acts.colour(team(), colour.value));
    const field = make("input", { className: "name", maxLength: 100, dir: "auto", "aria-label": "name of the team" });
    field.addEventListener("change", () => acts.rename(team(), field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") giveBack(field);
      if (event.key === "Enter" || event.key === "Escape") field.blur();
    });
    title.append(number, colour, field);
  }
  const count = make("p", { className: "count" });
  const confirm = make("button", { className: "confirm" });
  confirm.addEventListener("click", () => acts.move(openIn(team()).map((card) => card.id), team()));
  const head = make("header", {}, title, count, ...([ASIDE, OPEN].includes(name) ? [] : [confirm]));
  column.append(head, make("div", { className: "cards", role: "listbox", "aria-multiselectable": "true" }));
  return column;
}

/** A team's column is called otherwise from now on, and stays the same element: somebody may be typing in it. */
export function renameColumn(from, to) {
  const column = columns.get(from);
  if (!column || columns.has(to)) return;
  columns.delete(from);
  columns.set(to, column);
  column.dataset.column = to;
}

function drawHead(name) {
  const column = columns.get(name);
  const all = inColumn(name);
  const open = all.filter((card) => !isSure(card)).length;
  const count = column.querySelector(".count");
  count.textContent = name === ASIDE
    ? (all.length ? `${all.length}, not learnt from` : "nobody, or two at once: drop them here")
    : `${all.length} ${all.length === 1 ? "card" : "cards"}${open && open < all.length ? `, ${open} open` : ""}${all.length && !open ? ", all confirmed" : ""}`;
  column.classList.toggle("narrow", name === ASIDE && all.length === 0);
  const confirm = column.querySelector(".confirm");
  if (confirm) {
    confirm.hidden = open === 0;
    confirm.textContent = open === 1 ? "Confirm this one" : `Confirm these ${open}`;
  }
  column.querySelector(".cards").setAttribute("aria-label", { [ASIDE]: "set aside", [OPEN]: "not sorted yet" }[name] ?? name);
  const place = state.teams.findIndex((team) => team.name === name);
  if (place >= 0) {
    const colour = column.querySelector("input[type=color]");
    colour.setAttribute("aria-label", `colour of ${name}`);
    renewField(colour, state.teams[place].colour);
    renewField(column.querySelector(".name"), name);
    column.querySelector(".number").textContent = place + 1;
  }
}

function drawn(card) {
  let element = elements.get(card.id);
  if (!element) {
    element = make("div", { className: "card", tabIndex: -1, draggable: true, role: "option" },
      make("img", { alt: "", loading: "lazy", decoding: "async" }),
      make("div", { className: "says" }, make("span", { className: "who", dir: "auto" }), make("span")));
    element.dataset.id = card.id;
    elements.set(card.id, element);
  }
  const picture = `/strip.jpg?of=${spread(card.pictures, IN_STRIP)}`;
  const [img, says] = element.children;
  if (img.getAttribute("src") !== picture) img.src = picture;
  const [who, mark] = says.children;
  who.textContent = nameOf(card);
  who.title = card.player ? nameOf(card) : "";
  who.className = card.player ? "who named" : "who";
  const sure = isSure(card);
  mark.className = sure ? "mark" : "doubt";
  mark.textContent = sure ? (card.aside ? "" : "✓") : card.sure < 0.25 ? "?" : "";
  mark.title = mark.textContent === "?" ? "a doubtful guess" : "";
  element.classList.toggle("sure", sure);
  element.classList.toggle("chosen", chosen.has(card.id));
  const where = card.aside ? "set aside" : card.team ? `confirmed: ${card.team}` : card.guess ? `perhaps ${card.guess}` : "not sorted";
  element.setAttribute("aria-label", `${nameOf(card)}, ${where}`);
  element.setAttribute("aria-selected", String(chosen.has(card.id)));
  return element;
}

/** At most `count` of them, evenly over the card's time. */
function spread(pictures, count) {
  if (pictures.length <= count) return pictures;
  return Array.from({ length: count }, (_, place) => pictures[Math.round((place * (pictures.length - 1)) / (count - 1))]);
}

function firstCard() {
  return Number(board.querySelector(".card")?.dataset.id) || null;
}

/** One card can be reached with Tab: the one that was left. */
function setStop(id) {
  if (elements.has(last)) elements.get(last).tabIndex = -1;
  last = id;
  if (elements.has(id)) elements.get(id).tabIndex = 0;
}

function press(event, id) {
  const element = elements.get(id);
  const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  if (step) {
    event.preventDefault();
    const target = beside(element, ...step);
    if (target) focusCard(Number(target.dataset.id));
    return;
  }
  if (acts.key(event.key, id)) event.preventDefault();
}

/** The card next to one, as the eye sees it: nearest in that direction, also in the next column. */
function beside(element, right, down) {
  const here = element.getBoundingClientRect();
  const list = element.parentNode;
  const rows = [...list.children];
  if (down) {
    const perRow = rows.filter((other) => other.offsetTop === rows[0].offsetTop).length;
    return rows[rows.indexOf(element) + down * perRow] ?? null;
  }
  const sibling = rows[rows.indexOf(element) + right];
  if (sibling && sibling.offsetTop === element.offsetTop) return sibling;
  const order = [...board.children].filter((column) => column.querySelector(".card"));
  const column = order[order.indexOf(list.closest(".column")) + right];
  if (!column) return null;
  const distance = (other) => Math.abs(other.getBoundingClientRect().top - here.top);
  return [...column.querySelectorAll(".card")].reduce((a, b) => (distance(b) < distance(a) ? b : a));
}
