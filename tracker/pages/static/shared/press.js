// What is pressed stays: an element that is drawn anew between press and release takes the click with it.

const AFTER_MS = 50; // a finger's click comes a little after it is lifted

let pressed = null; // what the button or finger went down on
let dragged = false;
let waiting = [];

/** Do something once nothing in an area is being pressed or dragged: at once, as a rule. */
export function whenLetGo(area, action) {
  if (pressed !== null && area.contains(pressed)) waiting.push(action);
  else action();
}

export const letGo = (area) => new Promise((go) => whenLetGo(area, go));

function free() {
  pressed = null;
  dragged = false;
  for (const action of waiting.splice(0)) action();
}

const on = (type, heard) => addEventListener(type, heard, true);
on("pointerdown", (event) => { pressed = event.target; });
on("dragstart", () => { dragged = true; });
on("pointermove", (event) => { if (pressed !== null && !event.buttons) free(); }); // it was lifted elsewhere
on("click", () => setTimeout(free));
for (const type of ["pointerup", "pointercancel", "contextmenu"]) on(type, () => setTimeout(() => { if (!dragged) free(); }, AFTER_MS));
for (const type of ["dragend", "blur"]) on(type, (event) => { if (type === "dragend" || event.target === window) setTimeout(free); });
