// A dashboard card for Home Assistant that draws the skeleton, over the hub's own connection to its broker.
//
// Copy this folder to <config>/www/wimose, add the resource /local/wimose/wimose-card.js (type: JavaScript module), then:
//
//   type: custom:wimose-card
//   room: living-room                     # as in wimose/<room>/...
//   size_m: [5.2, 4.0, 2.5]               # optional, as are the radios; metres, in the room's frame
//   transmitter_m: [0.3, 0.4, 1.2]
//   receivers:
//     - {name: receiver1, antennas_m: [[4.9, 0.4, 1.2]]}
//     - {name: receiver2, antennas_m: [[0.3, 3.7, 1.2]]}
//   height: 420                           # optional, pixels
//
// The hub lets only administrators subscribe to topics; others see the card say so.

import { EDGES, JOINTS } from "./figure.js";
import { TOPICS } from "./monitor.js";
import { Panel } from "./panel.js";

class WimoseCard extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    this.subscriptions = [];
  }

  static getStubConfig() {
    return { room: "room" };
  }

  setConfig(config) {
    if (typeof config.room !== "string" || !config.room || /[/+#]/.test(config.room)) {
      throw new Error("wimose-card: give the room's name, as in wimose/<room>/pose");
    }
    const { size_m, transmitter_m, receivers = [] } = config;
    if (size_m && !(isPlace(size_m) && size_m.every((metres) => metres > 0))) {
      throw new Error("wimose-card: size_m is three numbers in metres, such as [5.2, 4.0, 2.5]");
    }
    if (transmitter_m && !isPlace(transmitter_m)) {
      throw new Error("wimose-card: transmitter_m is three numbers in metres, such as [0.3, 0.4, 1.2]");
    }
    if (!Array.isArray(receivers) || !receivers.every(({ antennas_m }) => (antennas_m ?? []).every?.(isPlace))) {
      throw new Error("wimose-card: write receivers as in [{name: receiver1, antennas_m: [[4.9, 0.4, 1.2]]}]");
    }
    this.config = config;
    if (this.isConnected) this.restart();
  }

  /** Set by the dashboard whenever anything in the hub changes. */
  set hass(hass) {
    const before = this.connection;
    this.connection = hass.connection;
    if (this.isConnected && before !== this.connection) this.restart();
  }

  connectedCallback() {
    this.restart();
  }

  disconnectedCallback() {
    this.stop();
  }

  getCardSize() {
    return Math.ceil((this.config?.height ?? 420) / 50);
  }

  restart() {
    this.stop();
    if (!this.config || !this.connection) return;
    const { room, size_m = null, transmitter_m = null, receivers = [], carrier_hz = null, height = 420 } = this.config;
    this.style.display = "block";
    this.style.height = `${Number(height) || 420}px`;
    const scene = { room, size_m, transmitter_m, receivers, carrier_hz, joints: JOINTS, edges: EDGES };
    const panel = (this.panel = new Panel(this.shadowRoot, scene, { touch: "pan-y" }));
    panel.box.classList.add("card");
    for (const name of TOPICS) {
      const subscription = this.connection.subscribeMessage(
        (message) => panel.take(name, message.payload),
        { type: "mqtt/subscribe", topic: `wimose/${room}/${name}` },
      );
      this.subscriptions.push(subscription);
      subscription.catch((error) => panel.trouble(refusal(error)));
    }
  }

  stop() {
    for (const subscription of this.subscriptions) {
      subscription.then((unsubscribe) => unsubscribe()).catch(() => {}); // refused, or the hub is gone: nothing to end
    }
    this.subscriptions = [];
    this.panel?.dispose();
    this.panel = null;
    this.shadowRoot.replaceChildren();
  }
}

function isPlace(value) {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}

function refusal(error) {
  if (error?.code === "unauthorized") return "the hub lets only administrators see this";
  if (error?.code === "unknown_command") return "the hub has no MQTT integration";
  return `the hub says: ${error?.message ?? error?.code ?? error}`;
}

// A resource that is listed twice is loaded twice.
if (!customElements.get("wimose-card")) {
  customElements.define("wimose-card", WimoseCard);
  window.customCards = window.customCards ?? [];
  window.customCards.push({ type: "wimose-card", name: "Wimose", description: "The skeleton in its room" });
}
