// What the page knows: the board as the server last told it, and what is chosen here.

export const me = crypto.randomUUID();
export const cards = new Map();
export const state = { run: "", teams: [], players: [], undo: null, guessedBy: null, withoutPictures: 0 };
export const chosen = new Set();
export const ASIDE = "\0aside";
export const OPEN = "\0open";

/** Take in a board, whole or in part; the ids of the cards that changed or went. */
export function takeIn(board, whole) {
  Object.assign(state, {
    run: board.run, teams: board.teams, players: board.players, undo: board.undo, guessedBy: board.guessed_by,
    withoutPictures: board.without_pictures,
  });
  const touched = new Set(board.gone);
  if (whole) {
    for (const id of cards.keys()) touched.add(id);
    cards.clear();
  }
  for (const id of board.gone) cards.delete(id);
  for (const card of board.cards) { cards.set(card.id, card); touched.add(card.id); }
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
