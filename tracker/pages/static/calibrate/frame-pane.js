// The frame with its points, the rink's lines over it, a cross for the keyboard and a lens at the pointer.

const SVG = "http://www.w3.org/2000/svg";
const LENS_ZOOM = 4;
const GRAB_PX = 12;

export function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export class FramePane {
  constructor(box, { width, height, onPlace, onMove, onMoved, onChoose, onAim }) {
    Object.assign(this, { box, width, height, onPlace, onMove, onMoved, onChoose, onAim });
    this.picture = box.querySelector("img");
    this.marks = box.querySelector("svg");
    this.lens = box.querySelector("canvas");
    this.cross = [width / 2, height / 2];
    this.state = { points: [], lines: [] };
    this.byKeyboard = false;
    this.marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    box.addEventListener("pointerdown", (event) => this.#down(event));
    box.addEventListener("pointermove", (event) => this.#move(event));
    box.addEventListener("pointerup", (event) => this.#up(event));
    box.addEventListener("pointerleave", () => { this.lens.hidden = true; this.onAim(null); });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("focus", () => this.#draw());
    box.addEventListener("blur", () => { this.#draw(); this.lens.hidden = true; });
    new ResizeObserver(() => this.#fit()).observe(box);
    this.#fit();
  }

  async load(address) {
    const loaded = new Image();
    loaded.src = address;
    this.wanted = address;
    await loaded.decode();
    if (this.wanted === address) this.picture.src = address;
    await this.picture.decode().catch(() => {});
  }

  show(state) {
    this.state = state;
    this.#draw();
  }

  inside([u, v]) {
    return [Math.min(Math.max(u, 0), this.width), Math.min(Math.max(v, 0), this.height)].map((x) => Math.round(x * 100) / 100);
  }

  #fit() {
    const room = this.box.getBoundingClientRect();
    this.scale = Math.min(room.width / this.width, room.height / this.height) || 1;
    this.left = (room.width - this.width * this.scale) / 2;
    this.top = 0;
    for (const part of [this.picture, this.marks]) {
      Object.assign(part.style, { left: `${this.left}px`, top: `${this.top}px`,
        width: `${this.width * this.scale}px`, height: `${this.height * this.scale}px` });
    }
    this.#draw();
  }

  #at(event) {
    const room = this.box.getBoundingClientRect();
    return [(event.clientX - room.left - this.left) / this.scale, (event.clientY - room.top - this.top) / this.scale];
  }

  #grabbed([u, v]) {
    let best = null, least = GRAB_PX / this.scale;
    for (const p of this.state.points) {
      const away = Math.hypot(p.image[0] - u, p.image[1] - v);
      if (away < least) [best, least] = [p, away];
    }
    return best;
  }

  #down(event) {
    if (event.button !== 0) return;
    this.byKeyboard = false;
    const at = this.#at(event), held = this.state.waiting ? null : this.#grabbed(at);
    this.held = held && { index: held.index, off: [held.image[0] - at[0], held.image[1] - at[1]], moved: false, from: at };
    this.box.setPointerCapture(event.pointerId);
    this.pressed = true;
  }

  #move(event) {
    const at = this.#at(event);
    if (this.pressed && this.held) {
      const far = Math.hypot(at[0] - this.held.from[0], at[1] - this.held.from[1]) * this.scale > 3;
      if (far || this.held.moved) {
        this.held.moved = true;
        const to = this.inside([at[0] + this.held.off[0], at[1] + this.held.off[1]]);
        this.onMove(this.held.index, to);
        this.#look(to, event);
        return;
      }
    }
    this.#look(at, event);
    this.onAim(at);
  }

  #up(event) {
    if (!this.pressed) return;
    this.pressed = false;
    const at = this.#at(event);
    if (this.held) {
      this.onChoose(this.held.index);
      if (this.held.moved) this.onMoved();
      this.held = null;
    } else if (at[0] >= 0 && at[1] >= 0 && at[0] <= this.width && at[1] <= this.height) {
      this.cross = at;
      this.onPlace(this.inside(at));
    }
  }

  #key(event) {
    const step = (event.shiftKey ? 20 : 2) / (event.altKey ? 4 : 1);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) {
      event.preventDefault();
      this.byKeyboard = true;
      if (this.onNudge?.(by[0] / 4, by[1] / 4)) return;
      this.cross = this.inside([this.cross[0] + by[0], this.cross[1] + by[1]]);
      this.#draw();
      const room = this.box.getBoundingClientRect();
      this.#look(this.cross, { clientX: room.left + this.left + this.cross[0] * this.scale,
        clientY: room.top + this.top + this.cross[1] * this.scale });
      this.onAim(this.cross);
    } else if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      if (this.onEnterWhilePending?.()) return;
      this.byKeyboard = true;
      this.onPlace(this.inside(this.cross));
    }
  }

  #look([u, v], event) {
    const lens = this.lens, size = lens.width, pen = lens.getContext("2d");
    const room = this.box.getBoundingClientRect();
    const x = event.clientX - room.left, y = event.clientY - room.top;
    lens.hidden = false;
    lens.style.left = `${x + 24 + size > room.width ? x - 24 - size : x + 24}px`;
    lens.style.top = `${y + 24 + size > room.height ? y - 24 - size : y + 24}px`;
    const zoom = LENS_ZOOM * Math.max(1, this.scale), half = size / 2;
    pen.save();
    pen.fillStyle = "#20262c";
    pen.fillRect(0, 0, size, size);
    pen.imageSmoothingEnabled = false;
    pen.translate(half - u * zoom, half - v * zoom);
    pen.scale(zoom, zoom);
    if (this.picture.complete && this.picture.naturalWidth) pen.drawImage(this.picture, 0, 0, this.width, this.height);
    pen.lineWidth = 1.2 / zoom;
    pen.strokeStyle = "#3cf06e";
    for (const line of this.state.lines) {
      pen.beginPath();
      for (const [a, b] of line) pen.lineTo(a, b);
      pen.stroke();
    }
    pen.strokeStyle = "#ff5a28";
    for (const p of this.state.points) {
      pen.beginPath();
      pen.arc(p.image[0], p.image[1], 5 / zoom, 0, 7);
      pen.stroke();
    }
    pen.restore();
    pen.strokeStyle = "#ffd400";
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [ax, ay, bx, by] of [[0, half, half - 5, half], [half + 5, half, size, half], [half, 0, half, half - 5], [half, half + 5, half, size]]) {
      pen.moveTo(ax, ay + 0.5);
      pen.lineTo(bx, by + 0.5);
    }
    pen.stroke();
  }

  #draw() {
    if (!this.scale) return;
    const { points, pending, lines, matrix } = this.state, px = 1 / this.scale;
    const made = [];
    const path = lines.map((line) => "M" + line.map((at) => at.join(" ")).join("L")).join("");
    if (path) made.push(element("path", { d: path, class: "lines-edge" }), element("path", { d: path, class: "lines" }));
    for (const p of points) {
      const [u, v] = p.image;
      if (matrix) {
        const [x, y] = p.rink, row = (i) => matrix[i][0] * x + matrix[i][1] * y + matrix[i][2], w = row(2);
        if (w > 0) made.push(element("line", { class: "miss", x1: u, y1: v, x2: row(0) / w, y2: row(1) / w }));
      }
      made.push(element("circle", { class: "dot edge", cx: u, cy: v, r: 6 * px }));
      made.push(element("circle", { class: `dot${p.chosen ? " chosen" : ""}${p.wrong ? " wrong" : ""}`, cx: u, cy: v, r: 6 * px }));
      made.push(element("text", { class: "number", x: u + 9 * px, y: v - 7 * px, "font-size": 14 * px, "stroke-width": 3 * px }, p.number));
    }
    const cross = pending ?? (this.byKeyboard && document.activeElement === this.box ? this.cross : null);
    if (cross) {
      const [u, v] = cross, arm = 12 * px;
      made.push(element("line", { class: "cross", x1: u - arm, x2: u + arm, y1: v, y2: v }));
      made.push(element("line", { class: "cross", x1: u, x2: u, y1: v - arm, y2: v + arm }));
      if (pending) made.push(element("circle", { class: "dot chosen", cx: u, cy: v, r: 7 * px }));
    }
    this.marks.replaceChildren(...made);
  }
}
