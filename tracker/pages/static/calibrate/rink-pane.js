// The drawn rink with its marks: a click snaps to the nearest one.

import { element } from "./frame-pane.js";

const SNAP_PX = 16;

export class RinkPane {
  constructor(svg, { onPlace, onMove, onMoved, onChoose }) {
    Object.assign(this, { svg, onPlace, onMove, onMoved, onChoose });
    this.ground = element("g", {});
    this.marks = element("g", {});
    svg.replaceChildren(this.ground, this.marks);
    this.state = { points: [] };
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    svg.addEventListener("pointerup", (event) => this.#up(event));
    svg.addEventListener("pointerleave", () => { this.near = null; this.#draw(); });
  }

  setRink(rink) {
    this.rink = rink;
    this.svg.setAttribute("viewBox", rink.view_box);
    this.ground.innerHTML = rink.drawing; // made by the program from numbers alone
    this.#draw();
  }

  show(state) {
    this.state = state;
    this.#draw();
  }

  aim(at) {
    this.aimed = at;
    this.#draw();
  }

  nearest([x, y], within = Infinity) {
    let best = null, least = within;
    for (const place of this.rink.landmarks) {
      const away = Math.hypot(place.x_m - x, place.y_m - y);
      if (away < least) [best, least] = [place, away];
    }
    return best;
  }

  #metresPerPixel() {
    return 1 / (this.svg.getScreenCTM()?.a || 10);
  }

  #at(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [at.x, -at.y];
  }

  #snapped(event) {
    const at = this.#at(event);
    const place = event.altKey ? null : this.nearest(at, SNAP_PX * this.#metresPerPixel());
    if (place) return { rink: [place.x_m, place.y_m], name: place.name };
    const half = [this.rink.length_m / 2, this.rink.width_m / 2];
    return { rink: at.map((x, i) => Math.round(Math.min(Math.max(x, -half[i]), half[i]) * 100) / 100), name: "" };
  }

  #down(event) {
    if (event.button !== 0) return;
    const [x, y] = this.#at(event), reach = 8 * this.#metresPerPixel();
    const held = this.state.waiting ? null
      : this.state.points.find((p) => Math.hypot(p.rink[0] - x, p.rink[1] - y) < reach);
    this.held = held ? { index: held.index, moved: false, from: [event.clientX, event.clientY] } : null;
    this.pressed = true;
    this.svg.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const place = this.#snapped(event);
    if (this.pressed && this.held) {
      const far = Math.hypot(event.clientX - this.held.from[0], event.clientY - this.held.from[1]) > 4;
      if (far || this.held.moved) {
        this.held.moved = true;
        this.onMove(this.held.index, place);
      }
    }
    this.near = place.name;
    this.#draw();
  }

  #up(event) {
    if (!this.pressed) return;
    this.pressed = false;
    if (this.held) {
      this.onChoose(this.held.index);
      if (this.held.moved) this.onMoved();
      this.held = null;
    } else this.onPlace(this.#snapped(event));
  }

  #draw() {
    if (!this.rink) return;
    const px = this.#metresPerPixel(), made = [];
    const used = new Set(this.state.points.map((p) => p.name));
    for (const place of this.rink.landmarks) {
      const guess = this.state.guess?.name === place.name, near = this.near === place.name;
      const kind = guess ? " guess" : near ? " near" : used.has(place.name) ? " used" : "";
      const dot = element("circle", { class: `place${kind}`, cx: place.x_m, cy: -place.y_m, r: (guess || near ? 5 : 3) * px });
      dot.append(element("title", {}, place.name));
      made.push(dot);
    }
    for (const p of this.state.points) {
      const [x, y] = [p.rink[0], -p.rink[1]];
      made.push(element("circle", { class: `dot${p.chosen ? " chosen" : ""}${p.wrong ? " wrong" : ""}`, cx: x, cy: y, r: 5 * px }));
      made.push(element("text", { class: "number", x: x + 6 * px, y: y - 5 * px, "font-size": 12 * px, "stroke-width": 3 * px }, p.number));
    }
    const cross = this.state.pending ?? this.aimed;
    if (cross && Math.abs(cross[0]) < this.rink.length_m && Math.abs(cross[1]) < this.rink.width_m) {
      const [x, y] = [cross[0], -cross[1]], arm = 9 * px;
      made.push(element("line", { class: "cross", x1: x - arm, x2: x + arm, y1: y, y2: y }));
      made.push(element("line", { class: "cross", x1: x, x2: x, y1: y - arm, y2: y + arm }));
    }
    if (this.near) {
      const place = this.rink.landmarks.find((p) => p.name === this.near);
      if (place) {
        const right = place.x_m > 0;
        made.push(element("text", { class: "number", x: place.x_m + (right ? -8 : 8) * px, y: -place.y_m + (place.y_m > 0 ? 18 : -10) * px,
          "font-size": 13 * px, "stroke-width": 3 * px, "text-anchor": right ? "end" : "start" }, place.name));
      }
    }
    this.marks.replaceChildren(...made);
  }
}
