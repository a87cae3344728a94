// What the messages of a room amount to: what to draw, what to write beside it. No drawing and no network here.

const GONE_S = 2; // without a pose for so long there is "no data"
const FADE_S = 0.8; // from here on the figure fades, and at GONE_S it is not there any more
const RATE_S = 2; // poses are counted over this
const SLOW_S = 15; // telemetry comes every 10 s; older than this it says nothing about now
const BADGES = { simulated: "SIMULATED", replay: "REPLAY", live: "LIVE" };
export const TOPICS = ["pose", "truth", "telemetry", "state", "status", "info"];

export class Monitor {
  constructor() {
    this.recent = []; // { at, t } of the poses of the last RATE_S: when they came, and what they say of when they are from
    this.pose = this.truth = this.telemetry = this.state = this.info = null;
    this.poseAt = this.truthAt = this.telemetryAt = -Infinity;
    this.errors = []; // mm, of the last second's poses against the truth
    this.poses = new Map(); // the newest, by number: a truth may come after the pose that it belongs to
    this.offline = false;
    this.trouble = ""; // what the connection says, for people
    this.refused = 0; // messages that made no sense
  }

  /** name: the last part of the topic; text: the payload; now: s, any clock that does not leap. */
  take(name, text, now) {
    if (name === "status") {
      this.offline = text === "offline";
      return;
    }
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      // counted below
    }
    if (message === null || typeof message !== "object" || message.v > 1) this.refused += 1;
    else if (name === "pose") this.takePose(message, now);
    else if (name === "truth") this.takeTruth(message, now);
    else if (name === "telemetry") [this.telemetry, this.telemetryAt] = [message, now];
    else if (name === "state") this.state = message;
    else if (name === "info") this.info = message;
  }

  takePose(message, now) {
    if (!isSkeleton(message.joints)) {
      this.refused += 1;
      return;
    }
    if (this.pose && message.seq < this.pose.seq) this.poses.clear(); // another start, another count
    this.pose = message;
    this.poseAt = now;
    this.offline = false;
    this.recent.push({ at: now, t: message.t });
    while (now - this.recent[0].at > RATE_S) this.recent.shift();
    this.poses.set(message.seq, message.joints);
    if (this.poses.size > 60) this.poses.delete(this.poses.keys().next().value);
  }

  takeTruth(message, now) {
    if (!isSkeleton(message.joints)) {
      this.refused += 1;
      return;
    }
    this.truth = message.joints;
    this.truthAt = now;
    const said = this.poses.get(message.seq);
    if (said?.length !== message.joints.length) return;
    const apart = said.map((joint, row) => Math.hypot(...joint.map((metres, axis) => metres - message.joints[row][axis])));
    this.errors.push((1000 * apart.reduce((sum, metres) => sum + metres, 0)) / apart.length);
    if (this.errors.length > 30) this.errors.shift();
  }

  /** Everything that is to be seen at `now`. */
  view(now) {
    const age = now - this.poseAt;
    const here = age < GONE_S;
    const telemetry = now - this.telemetryAt < SLOW_S ? this.telemetry : null;
    const present = here && this.pose.present === true;
    const truth = here && now - this.truthAt < 1 ? this.truth : null;
    return {
      joints: present ? this.pose.joints : null,
      opacity: present ? Math.min(Math.max((GONE_S - age) / (GONE_S - FADE_S), 0), 1) : 0,
      truth,
      lively: age < FADE_S,
      phase: !here ? "none" : present ? "present" : "nobody",
      heading: !here ? "no data" : present ? "somebody is here" : "nobody moves",
      detail: here ? "" : this.why(age, telemetry),
      badge: this.pose ? BADGES[this.pose.source] ?? "" : "",
      source: this.pose?.source ?? "",
      trained: this.pose ? `trained on ${this.pose.trained_on} data` : "",
      model: this.pose?.model ?? "",
      uncalibrated: this.pose?.frame === "array",
      rate: here ? rate(this.recent) : null,
      latencyMs: here ? telemetry?.latency_p50_ms ?? null : null,
      loss: here ? losses(telemetry) : [],
      confidence: present ? this.pose.confidence : null,
      errorMm: truth && present && this.errors.length ? mean(this.errors) : null,
    };
  }

  why(age, telemetry) {
    if (this.state?.paused) return "paused";
    const problem = telemetry?.problem || this.state?.problem;
    if (problem) return problem;
    if (this.offline) return "wimose is not running";
    if (this.trouble) return this.trouble;
    return this.pose ? `no pose for ${Math.floor(age)} s` : "waiting for the first pose";
  }
}

/** Rows of three finite numbers, none absurd: a message may come from anybody who may publish. */
function isSkeleton(joints) {
  return (
    Array.isArray(joints) && joints.length === 17 &&
    joints.every((joint) => Array.isArray(joint) && joint.length === 3 &&
      joint.every((metres) => Number.isFinite(metres) && Math.abs(metres) < 1000))
  );
}

/** By the poses' own times: a busy browser takes them in bursts. */
function rate(recent) {
  const span = recent.at(-1).t - recent[0].t;
  return recent.length > 2 && span > 0 ? (recent.length - 1) / span : null;
}

/** [{ name, share }] by receiver; share is null where it is not known. */
function losses(telemetry) {
  return Object.entries(telemetry?.receivers ?? {}).map(([name, of]) => ({
    name, share: typeof of.loss === "number" ? of.loss : null,
  }));
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
