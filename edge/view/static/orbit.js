// Looks at the room from all sides: drag or one finger turns, wheel or two fingers zoom and shift, double click resets.
// three's own controls are not used: they import "three" by a bare name, which a dashboard card cannot resolve.

import { PerspectiveCamera, Vector3 } from "./vendor/three.module.min.js";

const UP = new Vector3(0, 0, 1);
const LOWEST = 0.06, HIGHEST = 1.45; // radians above the floor: never below it, never quite straight down
const NEAREST = 0.35, FARTHEST = 2.2; // times the distance at which the whole room is seen
const GLIDE_S = 0.12; // the camera follows the hand with this time constant
const SWAY = 0.10, SWAY_S = 40; // radians to either side and period, until somebody takes hold
const FOLLOW = 0.5, FOLLOW_S = 2.5; // likewise it looks this share of the way from the middle to the person, unhurried
const OVERVIEW = 0.8; // of that distance, to begin with; a square picture is narrow enough as it is

export class Orbit {
  /** `touch`: the CSS touch-action; "pan-y" leaves vertical swipes to the page around it. */
  constructor(element, size, touch = "none") {
    this.camera = new PerspectiveCamera(34, 1, 0.1, 120);
    this.camera.up.copy(UP);
    this.element = element;
    this.size = size;
    this.touched = false;
    this.swayed = 0; // s
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.pointers = new Map();
    this.goal = { around: 0, above: 0, zoom: 1, at: new Vector3() };
    this.now = { around: 0, above: 0, zoom: 1, at: new Vector3() };
    element.style.touchAction = touch;
    this.listeners = new AbortController();
    const signal = this.listeners.signal;
    element.addEventListener("pointerdown", (event) => this.down(event), { signal });
    element.addEventListener("pointermove", (event) => this.move(event), { signal });
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, (event) => this.pointers.delete(event.pointerId), { signal });
    }
    element.addEventListener("wheel", (event) => this.wheel(event), { signal, passive: false });
    element.addEventListener("dblclick", () => this.reset(), { signal });
    element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    this.fit(1.5);
  }

  /** The picture's width over its height has changed. */
  fit(aspect) {
    if (aspect === this.camera.aspect) return;
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
    if (this.touched) return;
    this.reset();
    Object.assign(this.now, { ...this.goal, at: this.goal.at.clone() });
  }

  /** From the corner that faces the transmitter's: both links lie open before the viewer. */
  reset() {
    const [width, depth, height] = this.size;
    this.goal.around = 0.86;
    this.goal.above = this.upright() ? 0.7 : 0.42; // a phone held upright has space above
    this.goal.zoom = this.camera.aspect < 1.3 && !this.upright() ? 1 : OVERVIEW;
    this.goal.at.set(width / 2, depth / 2, this.upright() ? -0.4 : height * 0.22);
    this.touched = false;
  }

  /** Turns to where somebody is, as long as nobody has taken hold. */
  follow(x, y, seconds) {
    if (this.touched) return;
    const [width, depth] = this.size;
    const share = 1 - Math.exp(-seconds / FOLLOW_S);
    this.goal.at.x += (width / 2 + (clamp(x, 0, width) - width / 2) * FOLLOW - this.goal.at.x) * share;
    this.goal.at.y += (depth / 2 + (clamp(y, 0, depth) - depth / 2) * FOLLOW - this.goal.at.y) * share;
  }

  upright() {
    return this.camera.aspect < 0.8;
  }

  down(event) {
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.touched = true;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.x, dy = event.clientY - before.y;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = Math.hypot(before.x - other.x, before.y - other.y);
      this.zoom(apart / Math.max(Math.hypot(event.clientX - other.x, event.clientY - other.y), 1));
      this.shift(dx / 2, dy / 2); // each finger moves the middle by half its own way
    } else if (event.buttons & 2 || event.shiftKey) {
      this.shift(dx, dy);
    } else {
      this.goal.around -= (dx / this.element.clientHeight) * Math.PI;
      this.goal.above = clamp(this.goal.above + (dy / this.element.clientHeight) * Math.PI, LOWEST, HIGHEST);
    }
    before.x = event.clientX;
    before.y = event.clientY;
  }

  wheel(event) {
    event.preventDefault();
    this.touched = true;
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    this.zoom(Math.exp(clamp(pixels, -240, 240) * 0.0012));
  }

  zoom(factor) {
    this.goal.zoom = clamp(this.goal.zoom * factor, NEAREST, FARTHEST);
  }

  shift(dx, dy) {
    const metres = (this.distance() * 2 * Math.tan((this.camera.fov * Math.PI) / 360)) / this.element.clientHeight;
    const right = new Vector3(-Math.sin(this.now.around), Math.cos(this.now.around), 0);
    const away = new Vector3(-Math.cos(this.now.around), -Math.sin(this.now.around), 0);
    this.goal.at.addScaledVector(right, -dx * metres).addScaledVector(away, dy * metres);
    const [width, depth] = this.size;
    this.goal.at.x = clamp(this.goal.at.x, 0, width);
    this.goal.at.y = clamp(this.goal.at.y, 0, depth);
  }

  /** At which the room fills the picture, however narrow that is. */
  distance() {
    const [width, depth, height] = this.size;
    const vertical = Math.tan((this.camera.fov * Math.PI) / 360);
    const across = Math.hypot(width, depth) / 2 / (vertical * this.camera.aspect);
    const upward = (Math.hypot(width, depth) * 0.36 + height / 2) / vertical;
    return Math.max(across * (this.upright() ? 1.22 : 0.93), upward * 0.8) * this.now.zoom;
  }

  /** Moves the camera; true where it has moved enough to be seen. lively: whether it may sway. */
  update(seconds, lively) {
    const before = this.camera.position.clone();
    const share = 1 - Math.exp(-seconds / GLIDE_S);
    if (lively) this.swayed += seconds;
    const sway = this.touched || this.calm ? 0 : SWAY * Math.sin((this.swayed / SWAY_S) * 2 * Math.PI);
    this.now.around += (this.goal.around + sway - this.now.around) * share;
    this.now.above += (this.goal.above - this.now.above) * share;
    this.now.zoom += (this.goal.zoom - this.now.zoom) * share;
    this.now.at.lerp(this.goal.at, share);
    const distance = this.distance(), flat = Math.cos(this.now.above) * distance;
    this.camera.position.set(
      this.now.at.x + Math.cos(this.now.around) * flat,
      this.now.at.y + Math.sin(this.now.around) * flat,
      this.now.at.z + Math.sin(this.now.above) * distance,
    );
    this.camera.lookAt(this.now.at);
    return before.distanceToSquared(this.camera.position) > 1e-8;
  }

  dispose() {
    this.listeners.abort();
  }
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
