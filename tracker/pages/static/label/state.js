// What the page knows: the board as the server last told it, and what is chosen here.

export const me = crypto.randomUUID();
export const cards = new Map();
export const state = { revision: -1, run: "", teams: [], players: [], undo: null, guessedBy: "", withoutPictures: 0 };
export const chosen = new Set();
export const ASIDE = "\0aside";
export const OPEN = "\0open";

const told = new Map(); // card → the revision in which it was last heard of, those that are gone included

/** Take in a board, whole or in part, as far as it is no older than what is known: answers and news may overtake each
    other. The ids of the cards that changed or went. */
export function takeIn(board, whole) {
  if (board.revision >= state.revision) {
    Object.assign(state, {
      revision: board.revision, run: board.run, teams: board.teams, players: board.players, undo: board.undo,
      guessedBy: board.guessed_by, withoutPictures: board.without_pictures,
    });
  }
  const given = new Map(board.cards.map((card) => [card.id, card]));
  const touched = new Set([...given.keys(), ...board.gone, ...(whole ? cards.keys() : [])]);
  for (const id of touched) {
    if ((told.get(id) ?? -1) > board.revision) continue;
    told.set(id, board.revision);
    if (given.has(id)) cards.set(id, given.get(id)); else cards.delete(id);
  }
  for (const id of [...chosen]) if (!cards.has(id)) chosen.delete(id);
  return touched;
}

/** The column that a card lies in. */
export const columnOf = (card) => (card.aside ? ASIDE : card.team ?? card.guess ?? OPEN);
export const isSure = (card) => card.aside || card.team !== null;
/** Open cards first, the least certain on top; then those that are done, by time. */
export const before = (a, b) =>
  isSure(a) - isSure(b) || (isSure(a) ? a.from_s - b.from_s : a.sure - b.sure) || a.id - b.id;
export const inColumn = (column) => [...cards.values()].filter((card) => columnOf(card) === column).sort(before);
export const openIn = (column) => inColumn(column).filter((card) => !isSure(card));
export const nameOf = (card) => (card.player ? (card.number ? `${card.number} ${card.player}` : card.player) : `track ${card.id}`);

export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

/** An element with properties and children; strings become text, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "list") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Show in a field what the server says, unless somebody is just changing it there: what is typed is never taken away. */
export function renewField(field, value) {
  const typing = field === document.activeElement && field.value !== field.dataset.was;
  field.dataset.was = value;
  if (!typing && field.value !== value) field.value = value;
}

/** Show again in a field what the server said last. */
export function giveBack(field) { field.value = field.dataset.was; }
