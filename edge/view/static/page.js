// The page: MQTT over WebSocket into the panel.

import mqtt from "./vendor/mqtt.esm.js";
import { TOPICS } from "./monitor.js";
import { Panel } from "./panel.js";

const RETRY_MS = 2000;
const SILENCE_S = 30; // mqtt.js asks the broker so often whether it is still there
const REFUSED = [4, 5]; // MQTT 3.1.1, table 3.1: bad user name or password, not authorised

const told = await description();
const scene = JSON.parse(told);
document.title = `${scene.room} · wimose`;
const panel = new Panel(document.body, scene);
panel.trouble("connecting");
connect({});

/** credentials: {} or { username, password }, kept nowhere but here. */
function connect(credentials) {
  const client = mqtt.connect(scene.websocket, {
    ...credentials,
    protocolVersion: scene.protocol,
    clientId: `wimose-page-${Math.random().toString(16).slice(2, 10)}`,
    clean: true,
    keepalive: SILENCE_S,
    reconnectPeriod: RETRY_MS,
    timerVariant: "native", // the other kind runs in a worker made of a blob, which the page's policy forbids
  });
  client.on("connect", () => {
    panel.trouble("");
    client.subscribe(TOPICS.map((name) => scene.topics + name), { qos: 0 });
  });
  client.on("message", (topic, payload) => {
    panel.take(topic.slice(scene.topics.length), new TextDecoder().decode(payload));
  });
  client.on("close", () => {
    panel.trouble("no connection to the broker");
    lookForNews();
  });
  client.on("error", (error) => {
    if (REFUSED.includes(error.code)) {
      client.end(true);
      askWho();
    } else {
      panel.trouble(`the broker says: ${error.message}`);
    }
  });
}

/** The broker wants a name and a password. */
function askWho() {
  const form = document.createElement("form");
  form.className = "login";
  const field = (name, type, hint) => {
    const input = form.appendChild(document.createElement("input"));
    Object.assign(input, { name, type, placeholder: hint, required: true, autocomplete: hint });
    input.setAttribute("aria-label", hint);
    return input;
  };
  const text = form.appendChild(document.createElement("p"));
  text.textContent = "The broker wants to know who is looking.";
  const user = field("username", "text", "username");
  const password = field("password", "password", "current-password");
  password.placeholder = "password";
  form.appendChild(document.createElement("button")).textContent = "Connect";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.remove();
    panel.trouble("connecting");
    connect({ username: user.value, password: password.value });
  });
  document.body.append(form);
  user.focus();
}

async function description() {
  return (await fetch("scene.json", { cache: "no-store" })).text();
}

/** Started again, the program may serve another room at another port: then the page starts again, too. */
async function lookForNews() {
  try {
    if ((await description()) !== told) location.reload();
  } catch {
    // Not running: the next attempt to connect ends up here again.
  }
}
