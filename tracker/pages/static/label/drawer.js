// The panel beside the board: what can be said about the chosen card, and what to do where none is chosen.

import { ASIDE, cards, chosen, clock, columnOf, giveBack, isSure, make, nameOf, openIn, renewField, state } from "./state.js";

const drawer = document.getElementById("drawer");
let acts;
let cutting = false;
let fields = null; // what can be typed about the chosen card: { id, element, renew }, the same as long as it is chosen

export function beginDrawer(actions) { acts = actions; }

export function cutMode(on) { cutting = on; drawDrawer(); }

export function drawDrawer() {
  const ids = [...chosen].filter((id) => cards.has(id));
  const focused = drawer.contains(document.activeElement) ? document.activeElement.dataset.what : undefined;
  const card = ids.length === 1 ? cards.get(ids[0]) : null;
  if (!card) {
    fields = null;
    drawer.replaceChildren(...(ids.length ? several(ids) : nothing()));
  } else {
    if (fields?.id !== card.id) fields = fieldsOf(card.id);
    fields.renew();
    layAround(fields.element, above(card), below(card));
  }
  if (focused === undefined || drawer.contains(document.activeElement)) return;
  const again = [...drawer.querySelectorAll("button")].find((each) => each.dataset.what === focused);
  if (again) again.focus(); else if (card) acts.back(card.id);
}

export function focusName() { drawer.querySelector("[name=player]")?.focus(); }

/** Put new content around an element that stays where it is: taken out and put back, it would lose what is typed. */
function layAround(element, before, after) {
  if (element.parentNode !== drawer) { drawer.replaceChildren(...before, element, ...after); return; }
  for (const child of [...drawer.children]) if (child !== element) child.remove();
  element.before(...before);
  element.after(...after);
}

function nothing() {
  const all = [...cards.values()];
  const open = all.filter((card) => !isSure(card)).sort((a, b) => a.sure - b.sure);
  if (!open.length && all.length) {
    return [make("h2", {}, "All cards are done"),
      make("p", {}, "Train, and then process the video again: its tracks get the teams that you said, and the classifier knows them in the next match."),
      ...advice()];
  }
  const sorted = {
    "": "Sorting by the colours of the jerseys …",
    nobody: "They could not be sorted by themselves (the terminal says why): choose cards and say the team.",
    jersey: "Everybody is sorted by the colours of the jerseys. The least certain are on top.",
    classifier: "Everybody is sorted by the classifier that you have. The least certain are on top.",
  };
  return [
    make("h2", {}, "Who plays for whom?"),
    make("p", {}, sorted[state.guessedBy]),
    make("ol", {},
      make("li", {}, "Is somebody in the wrong column? Drag them, or click them and press the column’s number."),
      make("li", {}, "Confirm each column."),
      make("li", {}, "Train.")),
    make("p", { className: "soft" }, "The names and colours of the teams are yours to change. All is saved at once."),
    ...(state.withoutPictures ? [make("p", { className: "soft" }, `${state.withoutPictures === 1 ? "One track was" : `${state.withoutPictures} tracks were`} too small or too hidden for a picture, and get${state.withoutPictures === 1 ? "s" : ""} no card.`)] : []),
    ...advice(),
    ...(open.length ? [make("h3", {}, "Look at these first"), make("div", { className: "choices" },
      ...open.slice(0, 5).map((card) => button(nameOf(card), () => acts.show(card.id))))] : []),
  ];
}

/** What to say next to gain most, in the order of what it gains. */
function advice() {
  const said = [];
  const teams = state.teams.map((team) => team.name);
  const sure = [...cards.values()].filter((card) => card.team && !card.aside);
  if (!sure.length) return [];
  for (const team of teams) {
    const people = new Set(sure.filter((card) => card.team === team).map((card) => card.player ?? card.id)).size;
    const waiting = openIn(team).length;
    if (people < 3 && waiting) said.push(`${team}: only ${people} confirmed, and ${waiting} wait. A team is learnt from several people.`);
  }
  const unnamed = sure.filter((card) => !card.player).length;
  if (unnamed && !said.length) said.push("Name the players you know: their tracks then count as one person, and one word is enough to forget them.");
  return said.length ? [make("h3", {}, "What gains most now"), ...said.slice(0, 2).map((text) => make("p", {}, text))] : [];
}

function several(ids) {
  return [
    make("h2", {}, `${ids.length} cards`),
    make("h3", {}, "Team"), teams(ids),
    make("div", { className: "buttons" }, button("Choose none", () => acts.choose(null))),
  ];
}

function fieldsOf(id) {
  const name = make("input", { name: "player", maxLength: 600, dir: "auto", autocomplete: "off", list: "players", placeholder: "nobody said yet" });
  const number = make("input", { name: "number", maxLength: 4, inputMode: "numeric" });
  const consent = make("select", { name: "consent" },
    ...[["unknown", "not known"], ["given", "given"], ["withdrawn", "withdrawn"]].map(([value, text]) => make("option", { value }, text)));
  const day = make("input", { name: "day", type: "date" });
  const player = () => name.value.trim();
  const enable = () => { for (const field of [number, consent, day]) field.disabled = !player(); };
  name.addEventListener("input", enable);
  name.addEventListener("change", () => acts.name(id, name.value));
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    if (event.key === "Escape") giveBack(name);
    name.blur();
    acts.back(id);
  });
  number.addEventListener("change", () => acts.person(player(), { number: number.value }));
  consent.addEventListener("change", () => acts.person(player(), { consent: consent.value }));
  day.addEventListener("change", () => acts.person(player(), { consent_date: day.value }));
  const element = make("div", {},
    make("div", { className: "pair" }, make("label", {}, "Player", name), make("label", {}, "No.", number)),
    make("div", { className: "pair even" }, make("label", {}, "Consent", consent), make("label", {}, "since", day)));
  const renew = () => {
    const card = cards.get(id);
    const person = state.players.find((each) => each.name === card.player);
    renewField(name, card.player ?? "");
    renewField(number, person?.number ?? "");
    renewField(consent, person?.consent ?? "unknown");
    renewField(day, person?.consent_date ?? "");
    enable();
  };
  return { id, element, renew };
}

function above(card) {
  return [
    make("h2", { dir: "auto" }, nameOf(card)),
    make("p", { className: "soft" }, `${clock(card.from_s)} to ${clock(card.to_s)}${card.joined.length ? `, joined from ${card.joined.length + 1} tracks` : ""}`),
    make("div", { className: "pictures" }, ...pictures(card)),
    ...(cutting ? [make("p", { className: "soft" }, "Choose the scissors between the last picture of one and the first of the other.")] : []),
    make("h3", {}, "Team"), teams([card.id]),
  ];
}

function below(card) {
  const person = state.players.find((player) => player.name === card.player);
  return [
    ...(person?.consent === "withdrawn" ? [make("p", { className: "said-wrong" }, "Not learnt from any more. To erase what is held: Who do you hold?")] : []),
    make("h3", {}, "Is something wrong with the card?"),
    make("div", { className: "choices" },
      button("Join with …", () => acts.join(card.id), "the same person on another card"),
      button(cutting ? "Do not cut" : "Cut in time …", () => cutMode(!cutting), "two people one after the other"),
      ...(isSure(card) ? [button("Open again", () => acts.unsay([card.id]), "take team and name away")] : [])),
  ];
}

function teams(ids) {
  const here = new Set(ids.map((id) => columnOf(cards.get(id))));
  const sure = ids.every((id) => isSure(cards.get(id)));
  const choices = state.teams.map((team, place) => {
    const dot = make("span", { className: "dot" });
    dot.style.setProperty("background", team.colour);
    const choice = button("", () => acts.move(ids, team.name), `key ${place + 1}`);
    choice.append(dot, make("span", { dir: "auto" }, team.name), make("kbd", {}, String(place + 1)));
    choice.setAttribute("aria-pressed", String(sure && here.size === 1 && here.has(team.name)));
    return choice;
  });
  const aside = button("", () => acts.move(ids, ASIDE), "nobody, or two people at once");
  aside.append(make("span", {}, "Set aside"), make("kbd", {}, "0"));
  aside.setAttribute("aria-pressed", String(here.size === 1 && here.has(ASIDE)));
  return make("div", { className: "choices" }, ...choices, aside, button("Another team …", () => acts.addTeam(ids)));
}

function pictures(card) {
  const shown = [];
  card.pictures.forEach((picture, index) => {
    if (cutting && index) {
      shown.push(button("✂", () => { cutting = false; acts.cut(card.id, Number(picture.split("/")[1])); }, `cut before picture ${index + 1}`, "scissors"));
    }
    shown.push(make("figure", {}, make("img", { src: `/crop/${picture}.jpg`, alt: `picture ${index + 1}` })));
  });
  return shown;
}

function button(text, action, title = "", className = "") {
  const made = make("button", { title, className }, text);
  made.dataset.what = title || text;
  if (className === "scissors") made.setAttribute("aria-label", title);
  made.addEventListener("click", action);
  return made;
}
