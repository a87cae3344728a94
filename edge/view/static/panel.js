// The drawing with what is written over it: for the page and for the dashboard card alike.

import { TINTS } from "./figure.js";
import { Monitor } from "./monitor.js";
import { Skeleton3D } from "./skeleton3d.js";

const WRITE_S = 0.2; // figures that change more often cannot be read
const NONE = "–";

export class Panel {
  /** root: an element or a shadow root; scene: as for Skeleton3D, with `room`, the name to show. */
  constructor(root, scene, { touch } = {}) {
    this.monitor = new Monitor();
    this.scene = scene;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("panel.css", import.meta.url).href;
    this.box = make("div", "panel");
    this.stage = make("div", "stage", this.box);
    this.build();
    root.append(style, this.box);
    this.written = -Infinity;
    try {
      this.drawing = new Skeleton3D(this.stage, scene, { touch });
    } catch (error) {
      this.drawing = null;
      this.stage.append(make("p", "unable", null, "This browser cannot draw in 3D (no WebGL)."));
      console.error(error);
    }
    this.timer = setInterval(() => this.refresh(now()), 1000 * WRITE_S);
    this.refresh(now());
  }

  build() {
    const head = make("header", "head", this.box);
    make("span", "brand", head, "wimose");
    const title = make("div", "title", head);
    make("h1", "", title, this.scene.room);
    this.badge = make("span", "badge", title);
    this.badge.hidden = true;
    const status = make("div", "status", head);
    this.dot = make("i", "dot", status);
    this.heading = make("span", "", status);

    const legend = make("aside", "legend", this.box);
    const entry = (kind, text) => {
      const line = make("div", "entry", legend);
      make("i", `swatch ${kind}`, line).style.setProperty("--tint", TINTS[kind]);
      make("span", "", line, text);
      return line;
    };
    entry("left", "left");
    entry("right", "right");
    this.ghostEntry = entry("ghost", "where the person really was");
    this.model = make("div", "model", legend);
    this.frame = make("div", "model note", legend, "not calibrated: placed on the receivers' axes, not the room's");

    this.veil = make("div", "veil", this.box);
    this.veilHeading = make("strong", "", this.veil, "no data");
    this.veilDetail = make("span", "", this.veil);

    const foot = make("footer", "foot", this.box);
    const tile = (name, unit) => {
      const box = make("div", "tile", foot);
      const value = make("b", "", make("div", "value", box), NONE);
      make("small", "", value.parentNode, unit);
      make("span", "name", box, name);
      return { box, value };
    };
    this.rate = tile("poses", "/ s");
    this.latency = tile("latency", "ms");
    this.loss = tile("packets lost", "%");
    this.error = tile("mean joint error", "mm");
    this.confidence = tile("confidence", "");
    this.meter = make("i", "meter", this.confidence.box);
  }

  /** name: the last part of the topic; text: the payload. */
  take(name, text) {
    this.monitor.take(name, text, now());
    if (name === "pose" || name === "truth") this.draw(now());
  }

  /** What the connection says where there is none; "" where all is well. */
  trouble(text) {
    this.monitor.trouble = text;
  }

  draw(time) {
    this.drawing?.show(this.monitor.view(time));
  }

  refresh(time) {
    const view = this.monitor.view(time);
    this.drawing?.show(view);
    this.box.dataset.phase = view.phase;
    this.box.dataset.source = view.source;
    this.badge.hidden = !view.badge;
    write(this.badge, view.badge);
    write(this.heading, view.heading);
    write(this.veilDetail, view.detail);
    write(this.model, [view.trained && `model ${view.trained}`, view.model].filter(Boolean).join("\n"));
    this.frame.hidden = !view.uncalibrated;
    this.ghostEntry.hidden = !view.truth;
    write(this.rate.value, number(view.rate, 1));
    write(this.latency.value, number(view.latencyMs, view.latencyMs < 10 ? 1 : 0));
    write(this.loss.value, view.loss.map(({ share }) => number(share === null ? null : share * 100, 1)).join(" · ") || NONE);
    this.loss.box.title = view.loss.map(({ name }) => name).join(" · ");
    write(this.error.value, number(view.errorMm, 0));
    this.error.box.hidden = view.errorMm === null;
    write(this.confidence.value, number(view.confidence, 2));
    this.meter.style.setProperty("--share", view.confidence ?? 0);
  }

  dispose() {
    clearInterval(this.timer);
    this.drawing?.dispose();
    this.box.remove();
  }
}

function now() {
  return performance.now() / 1000;
}

function make(tag, className, parent, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function number(value, decimals) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : NONE;
}
