// Times in words, and lists of elements made anew.

import { whenLetGo } from "/shared/press.js";

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function when(seconds) {
  return `${clock(seconds)}.${String(Math.floor((seconds % 1) * 100)).padStart(2, "0")}`;
}

/** Make a list's elements anew, once nothing in it is being pressed. */
export function fill(parent, values, make) {
  whenLetGo(parent, () => parent.replaceChildren(...values.map(make)));
}
