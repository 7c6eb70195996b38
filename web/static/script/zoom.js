// A picture in its stage, larger: at the mouse's place, by steps, and moved about.

const MOST = 8;
const STEP = 1.5;
const CLICKED = 2.5;
const DRAGGED = 6; // pixels; less is a click of an unsteady hand
const PAN = 80;

// `changed` is told the new scale; `clicked` and `moves` tell whether the stage is free for it.
export class Zoom {
  #stage;
  #picture = null;
  #changed;
  #scale = 1;
  #x = 0;
  #y = 0;
  #drag = null;
  #dragged = false;

  constructor(stage, changed) {
    this.#stage = stage;
    this.#changed = changed;
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, () => {
        this.#drag = null;
      });
    }
    stage.addEventListener("click", (event) => this.#click(event));
  }

  // What is shown from now on; nothing can be enlarged where it is null.
  set picture(picture) {
    this.#picture = picture;
    this.#to(1);
  }

  get scale() {
    return this.#scale;
  }

  // Whether the press that has just ended has moved the picture.
  get dragged() {
    return this.#dragged;
  }

  in() {
    this.#to(this.#scale * STEP);
  }

  out() {
    this.#to(this.#scale / STEP);
  }

  reset() {
    this.#to(1);
  }

  pan(x, y) {
    this.#x += x * PAN;
    this.#y += y * PAN;
    this.#show();
  }

  // Enlarge so that what is at the place (x, y) of the window stays there.
  #to(scale, x = null, y = null) {
    const before = this.#scale;
    this.#scale = Math.min(Math.max(scale, 1), MOST);
    const stage = this.#stage.getBoundingClientRect();
    const fromCentre = {
      x: x === null ? 0 : x - stage.left - stage.width / 2,
      y: y === null ? 0 : y - stage.top - stage.height / 2,
    };
    const grown = this.#scale / before;
    this.#x = fromCentre.x - (fromCentre.x - this.#x) * grown;
    this.#y = fromCentre.y - (fromCentre.y - this.#y) * grown;
    this.#show();
    this.#changed(this.#scale);
  }

  #show() {
    if (!this.#picture) return;
    // No further than to the picture's edges.
    const reach = (picture, stage) => Math.max(0, (picture * this.#scale - stage) / 2);
    const x = reach(this.#picture.offsetWidth, this.#stage.clientWidth);
    const y = reach(this.#picture.offsetHeight, this.#stage.clientHeight);
    this.#x = Math.min(Math.max(this.#x, -x), x);
    this.#y = Math.min(Math.max(this.#y, -y), y);
    this.#picture.style.transform =
      this.#scale === 1 ? "" : `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
  }

  #wheel(event) {
    if (!this.#picture || event.ctrlKey) return; // with Ctrl it is the browser's own
    event.preventDefault();
    this.#to(this.#scale * Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  }

  #down(event) {
    this.#dragged = false;
    if (!this.#picture || event.button || this.#scale === 1) return;
    this.#drag = { x: event.clientX, y: event.clientY, far: false };
  }

  #move(event) {
    if (!this.#drag) return;
    const [x, y] = [event.clientX - this.#drag.x, event.clientY - this.#drag.y];
    if (!this.#drag.far && Math.hypot(x, y) < DRAGGED) return;
    if (!this.#drag.far) this.#stage.setPointerCapture(event.pointerId);
    this.#dragged = true;
    this.#drag = { x: event.clientX, y: event.clientY, far: true };
    this.#x += x;
    this.#y += y;
    this.#show();
  }

  #click(event) {
    if (!this.#picture || this.#dragged || !this.#picture.contains(event.target)) return;
    if (event.pointerType === "touch") return; // fingers have their own way to enlarge
    this.#to(this.#scale > 1 ? 1 : CLICKED, event.clientX, event.clientY);
  }
}
