// Draws a skeleton in its room. Knows nothing of brokers: the page and the dashboard card give it poses.
//
//   const drawing = new Skeleton3D(container, scene);
//   drawing.show({ joints, opacity, truth, lively }); // as often as there is news
//   drawing.dispose();
//
// scene: { size_m: [x, y, z] | null, transmitter_m: [x, y, z] | null,
//          receivers: [{ name, antennas_m: [[x, y, z], ...] | null }], carrier_hz: number | null,
//          joints: [17 names], edges: [[parent, child], ...] }; metres in the room's frame, z up.

import {
  ACESFilmicToneMapping, Color, DirectionalLight, Fog, HemisphereLight, PCFShadowMap, Scene, WebGLRenderer,
} from "./vendor/three.module.min.js";
import { Figure } from "./figure.js";
import { Orbit } from "./orbit.js";
import { Room } from "./room.js";

const BACKGROUND = "#090d13";
const LONGEST_STEP_S = 0.1; // a tab that was hidden goes on from where it was
const MAX_PIXEL_RATIO = 2; // finer than that is heat, not beauty
const SLOW_S = 0.05, PATIENCE = 30; // so many frames slower than this one after another: this machine needs it simpler

export class Skeleton3D {
  /** Throws where the browser has no WebGL. */
  constructor(container, scene, { touch = "none" } = {}) {
    this.container = container;
    this.renderer = new WebGLRenderer({ antialias: true, powerPreference: "low-power" });
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.15;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    container.append(this.renderer.domElement);

    this.world = new Scene();
    this.world.background = new Color(BACKGROUND);
    this.room = new Room(scene);
    this.figure = new Figure(scene);
    this.ghost = new Figure({ ...scene, ghost: true });
    this.sun = sun();
    const back = new DirectionalLight("#7fb2ff", 1.1);
    const [width, depth] = this.room.size;
    back.position.set(-width * 0.3, -depth * 0.3, 3);
    this.world.add(this.room, this.figure, this.ghost, this.sun, this.sun.target, back);
    this.world.add(new HemisphereLight("#dbe9ff", "#1b2431", 1.15));
    this.orbit = new Orbit(this.renderer.domElement, this.room.size, touch);
    this.world.fog = new Fog(BACKGROUND, 1, 1000);

    this.lively = false;
    this.slow = 0; // frames in a row
    this.ratio = MAX_PIXEL_RATIO;
    this.before = null;
    this.dirty = true;
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(container);
    this.resize();
    this.renderer.setAnimationLoop((milliseconds) => this.frame(milliseconds / 1000));
  }

  /**
   * joints   rows of [x, y, z] in metres; null leaves them where they are
   * opacity  0 to 1 of the figure, which fades towards it
   * truth    rows of [x, y, z], drawn as a ghost; null for none
   * lively   whether packets come: pulses run along the links
   */
  show({ joints, opacity, truth, lively }) {
    if (joints) this.figure.pose(joints);
    this.figure.wanted = opacity;
    if (truth) this.ghost.pose(truth);
    this.ghost.wanted = truth ? opacity : 0;
    this.dirty ||= this.lively !== lively;
    this.lively = lively;
  }

  frame(time) {
    const seconds = Math.min(time - (this.before ?? time), LONGEST_STEP_S);
    this.before = time;
    const moved = [this.figure.update(seconds), this.ghost.update(seconds)].some(Boolean);
    const [x, y] = this.figure.at[0].toArray();
    if (this.figure.opacity > 0.9) this.orbit.follow(x, y, seconds);
    const turned = this.orbit.update(seconds, this.lively);
    // Where nothing moves nothing is drawn: a page left open overnight costs no power.
    if (!turned && !moved && !this.lively && !this.dirty) return;
    this.dirty = false;
    if (this.figure.opacity > 0.9) this.room.trail.step(x, y, time);
    this.room.trail.update(time);
    this.room.stand(x, y, this.figure.opacity);
    this.room.update(time, this.lively ? 1 : 0);
    this.sun.target.position.set(x, y, 0.8);
    this.sun.position.set(x + 1.2, y + 0.6, 5);
    const distance = this.orbit.distance();
    this.world.fog.near = distance * 1.1;
    this.world.fog.far = distance * 3.2;
    this.renderer.render(this.world, this.orbit.camera);
    this.spare(seconds);
  }

  /** Where frames are slow, first without the cast shadow (the soft one below the figure stays), then coarser. */
  spare(seconds) {
    this.slow = seconds > SLOW_S && !document.hidden ? this.slow + 1 : 0;
    if (this.slow < PATIENCE) return;
    this.slow = 0;
    if (this.sun.castShadow) this.sun.castShadow = false;
    else if (this.ratio > 1) this.ratio = 1;
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.container;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, this.ratio));
    this.renderer.setSize(width, height);
    this.orbit.fit(width / height);
    this.dirty = true;
  }

  dispose() {
    this.renderer.setAnimationLoop(null);
    this.watcher.disconnect();
    this.orbit.dispose();
    this.world.traverse((thing) => {
      thing.geometry?.dispose();
      thing.material?.map?.dispose();
      thing.material?.dispose();
    });
    this.renderer.dispose();
    this.renderer.domElement.remove();
  }
}

/** Follows the person, so that a small map gives a soft shadow wherever they stand. */
function sun() {
  const light = new DirectionalLight("#fff4e6", 2.4);
  light.castShadow = true;
  light.shadow.mapSize.set(512, 512);
  light.shadow.radius = 4;
  light.shadow.bias = -0.0008;
  light.shadow.normalBias = 0.01;
  Object.assign(light.shadow.camera, { left: -1.8, right: 1.8, top: 1.8, bottom: -1.8, near: 0.5, far: 8 });
  return light;
}
