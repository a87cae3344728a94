// The room: floor with a metre grid, walls as far as they are behind, the radios, the two links, and where one walked.

import {
  AdditiveBlending, BoxGeometry, CanvasTexture, CircleGeometry, Color, CylinderGeometry, Group, InstancedMesh, Matrix4,
  Mesh, MeshBasicMaterial, MeshStandardMaterial, PlaneGeometry, ShaderMaterial, ShadowMaterial, SphereGeometry, Sprite,
  SpriteMaterial, SRGBColorSpace, Vector2, Vector3,
} from "./vendor/three.module.min.js";
import { RIM_VERTEX } from "./figure.js";

export const UNKNOWN_SIZE_M = [8, 8, 2.6]; // drawn without walls where nobody has measured the room
const SPEED_OF_LIGHT = 299_792_458; // m/s
const LINK_TINTS = ["#58b7ff", "#b59bff"];
const STEP_M = 0.22, STEPS = 28; // of the trail: a dot so often, and how many are kept
const TRAIL_S = 9;

const X = new Vector3(1, 0, 0);
const Y = new Vector3(0, 1, 0);

export class Room extends Group {
  /** scene: as `/scene.json`; positions in metres, z up. */
  constructor(scene) {
    super();
    this.size = scene.size_m ?? UNKNOWN_SIZE_M;
    this.links = [];
    this.add(floor(this.size), shadowCatcher(this.size));
    if (scene.size_m) this.add(...walls(this.size));
    const sender = scene.transmitter_m ? new Vector3(...scene.transmitter_m) : null;
    if (sender) this.add(radio([sender], "#dfe7f3"), label("transmitter", sender));
    (scene.receivers ?? []).forEach((receiver, number) => {
      if (!receiver.antennas_m?.length) return;
      const antennas = receiver.antennas_m.map((antenna) => new Vector3(...antenna));
      const middle = antennas.reduce((sum, antenna) => sum.add(antenna), new Vector3()).divideScalar(antennas.length);
      const tint = LINK_TINTS[number % LINK_TINTS.length];
      this.add(radio(antennas, tint), label(receiver.name, middle));
      if (sender) this.addLink(sender, middle, tint, scene.carrier_hz);
    });
    this.blob = contactShadow();
    this.trail = new Trail();
    this.add(this.blob, this.trail);
  }

  addLink(from, to, tint, carrierHz) {
    const beam = link(from, to, tint);
    this.links.push(beam);
    this.add(beam);
    if (carrierHz) this.add(fresnelZone(from, to, SPEED_OF_LIGHT / carrierHz, tint));
  }

  /** liveliness: 0 where no packets are known to come, else 1. */
  update(time, liveliness) {
    for (const { material } of this.links) {
      material.uniforms.time.value = time;
      material.uniforms.liveliness.value = liveliness;
    }
  }

  /** Where the figure stands; opacity 0 takes the soft shadow away. */
  stand(x, y, opacity) {
    this.blob.position.set(x, y, 0.006);
    this.blob.material.opacity = 0.5 * opacity;
  }
}

/** Dots on the floor under the hips, fading. */
class Trail extends InstancedMesh {
  constructor() {
    const geometry = new CircleGeometry(0.035, 18);
    super(geometry, new MeshBasicMaterial({ transparent: true, depthWrite: false, blending: AdditiveBlending }), STEPS);
    this.steps = []; // oldest first: {x, y, time}
    this.count = 0;
    this.frustumCulled = false;
    this.renderOrder = 1;
  }

  step(x, y, time) {
    const last = this.steps.at(-1);
    if (last && Math.hypot(x - last.x, y - last.y) < STEP_M) return;
    this.steps.push({ x, y, time });
    if (this.steps.length > STEPS) this.steps.shift();
  }

  clear() {
    this.steps = [];
  }

  update(time) {
    while (this.steps.length && time - this.steps[0].time > TRAIL_S) this.steps.shift();
    this.count = this.steps.length;
    const matrix = new Matrix4(), colour = new Color();
    this.steps.forEach((step, number) => {
      const left = 1 - (time - step.time) / TRAIL_S;
      matrix.makeScale(0.5 + 0.5 * left, 0.5 + 0.5 * left, 1).setPosition(step.x, step.y, 0.008);
      this.setMatrixAt(number, matrix);
      this.setColorAt(number, colour.copy(BRIGHT).multiplyScalar(left * left));
    });
    this.instanceMatrix.needsUpdate = true;
    if (this.instanceColor) this.instanceColor.needsUpdate = true;
  }
}

const BRIGHT = new Color("#3f5470");

function floor([width, depth]) {
  const margin = 4; // beyond the walls it fades into the dark
  const geometry = new PlaneGeometry(width + 2 * margin, depth + 2 * margin);
  const material = new ShaderMaterial({
    uniforms: { size: { value: new Vector3(width, depth, margin) } },
    transparent: true,
    vertexShader: `
      uniform vec3 size; varying vec2 at;
      void main() {
        at = position.xy + size.xy / 2.0;
        gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
      }`,
    fragmentShader: `
      uniform vec3 size; varying vec2 at;
      float lines(vec2 p, float wide) {
        vec2 d = abs(fract(p - 0.5) - 0.5) / fwidth(p);
        return 1.0 - clamp(min(d.x, d.y) - wide, 0.0, 1.0);
      }
      void main() {
        vec2 beyond = max(max(-at, at - size.xy), 0.0);
        float inside = 1.0 - step(1e-4, length(beyond));
        vec2 middle = (at - size.xy / 2.0) / (size.xy * 0.62);
        float glow = exp(-dot(middle, middle) * 1.1);
        vec3 colour = mix(vec3(0.012, 0.017, 0.025), vec3(0.040, 0.058, 0.082), glow);
        float grid = lines(at, 0.15) * (0.16 + 0.5 * glow) * mix(0.30, 1.0, inside);
        float fine = lines(at * 4.0, 0.0) * 0.07 * inside * glow;
        vec2 rim = min(abs(at), abs(at - size.xy)) / fwidth(at);
        float border = (1.0 - clamp(min(rim.x, rim.y) - 0.5, 0.0, 1.0)) * (1.0 - step(0.02, length(beyond)));
        colour += vec3(0.10, 0.15, 0.21) * (grid * 0.5 + fine + border * 0.9);
        colour *= mix(0.6, 1.0, inside);
        float alpha = 1.0 - smoothstep(0.0, size.z * 0.9, length(beyond));
        gl_FragColor = vec4(colour, alpha);
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(geometry, material);
  mesh.position.set(width / 2, depth / 2, 0);
  mesh.renderOrder = -3;
  return mesh;
}

function shadowCatcher([width, depth]) {
  const mesh = new Mesh(new PlaneGeometry(width + 4, depth + 4), new ShadowMaterial({ opacity: 0.45 }));
  mesh.position.set(width / 2, depth / 2, 0.004);
  mesh.receiveShadow = true;
  mesh.renderOrder = -2;
  return mesh;
}

/** Four planes that face inward: those between the viewer and the room are seen from behind, and so not at all. */
function walls([width, depth, height]) {
  const wall = (long, x, y, turn) => {
    const material = new ShaderMaterial({
      uniforms: { size: { value: new Vector2(long, height) } },
      transparent: true, depthWrite: false,
      vertexShader: `
        uniform vec2 size; varying vec2 at;
        void main() { at = uv * size; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }`,
      fragmentShader: `
        uniform vec2 size; varying vec2 at;
        void main() {
          float low = pow(1.0 - at.y / size.y, 2.2);
          vec2 wide = fwidth(at) * 1.2;
          vec2 near = min(at, size - at) / wide;
          float edge = 1.0 - clamp(min(near.x, near.y), 0.0, 1.0);
          vec3 colour = mix(vec3(0.055, 0.085, 0.125), vec3(0.20, 0.28, 0.38), edge);
          gl_FragColor = vec4(colour, mix(0.10 + 0.62 * low, 0.75, edge));
          #include <colorspace_fragment>
        }`,
    });
    const mesh = new Mesh(new PlaneGeometry(long, height), material);
    mesh.rotation.set(Math.PI / 2, turn, 0);
    mesh.position.set(x, y, height / 2);
    mesh.renderOrder = -1;
    return mesh;
  };
  return [
    wall(width, width / 2, depth, 0), wall(width, width / 2, 0, Math.PI),
    wall(depth, 0, depth / 2, Math.PI / 2), wall(depth, width, depth / 2, -Math.PI / 2),
  ];
}

/** A small box on a stand, and a rod for each antenna. */
function radio(antennas, tint) {
  const group = new Group();
  const dark = new MeshStandardMaterial({ color: "#3a4656", roughness: 0.6 });
  const light = new MeshStandardMaterial({ color: tint, emissive: tint, emissiveIntensity: 0.7, roughness: 0.4 });
  const middle = antennas.reduce((sum, antenna) => sum.add(antenna), new Vector3()).divideScalar(antennas.length);
  const box = new Mesh(new BoxGeometry(0.2, 0.2, 0.05), dark);
  box.position.copy(middle).setZ(middle.z - 0.13);
  const stand = new Mesh(new CylinderGeometry(0.012, 0.018, middle.z - 0.15, 12), dark);
  stand.rotation.x = Math.PI / 2;
  stand.position.copy(middle).setZ((middle.z - 0.15) / 2);
  const foot = new Mesh(new CylinderGeometry(0.11, 0.12, 0.02, 24), dark);
  foot.rotation.x = Math.PI / 2;
  foot.position.set(middle.x, middle.y, 0.01);
  group.add(box, stand, foot);
  // Half a wavelength apart, the rods would be one: the eye gets them at six times the distance from their middle.
  for (const antenna of antennas) {
    const shown = middle.clone().addScaledVector(antenna.clone().sub(middle), antennas.length > 1 ? 2.6 : 1);
    const rod = new Mesh(new CylinderGeometry(0.009, 0.009, 0.17, 10), light);
    rod.rotation.x = Math.PI / 2;
    rod.position.copy(shown).setZ(shown.z - 0.03);
    const tip = new Mesh(new SphereGeometry(0.015, 12, 10), light);
    tip.position.copy(shown).setZ(shown.z + 0.055);
    group.add(rod, tip);
  }
  return group;
}

/** The straight way of the waves, with pulses that run while packets come. */
function link(from, to, tint) {
  const along = new Vector3().subVectors(to, from);
  const material = new ShaderMaterial({
    uniforms: {
      tint: { value: new Color(tint) }, time: { value: 0 }, liveliness: { value: 0 },
      metres: { value: along.length() },
    },
    transparent: true, depthWrite: false, blending: AdditiveBlending,
    vertexShader: `
      varying float far;
      void main() { far = position.y + 0.5; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }`,
    fragmentShader: `
      uniform vec3 tint; uniform float time; uniform float liveliness; uniform float metres; varying float far;
      void main() {
        float phase = fract(far * metres / 1.6 - time * 0.55);
        float pulse = exp(-pow((phase - 0.5) * 7.0, 2.0)) * liveliness;
        float ends = smoothstep(0.0, 0.04, far) * smoothstep(0.0, 0.04, 1.0 - far);
        gl_FragColor = vec4(tint, (0.26 + 0.74 * pulse) * ends);
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(new CylinderGeometry(0.011, 0.011, 1, 8, 1, true), material);
  mesh.position.copy(from).addScaledVector(along, 0.5);
  mesh.scale.y = along.length();
  mesh.quaternion.setFromUnitVectors(Y, along.normalize());
  return mesh;
}

/** Where a person changes a link most: every detour of less than half a wavelength (an ellipsoid about its ends). */
function fresnelZone(from, to, wavelength, tint) {
  const along = new Vector3().subVectors(to, from);
  const direct = along.length();
  const long = (direct + wavelength / 2) / 2;
  const wide = Math.sqrt(long ** 2 - (direct / 2) ** 2);
  const material = new ShaderMaterial({
    uniforms: { tint: { value: new Color(tint) } },
    transparent: true, depthWrite: false, blending: AdditiveBlending,
    vertexShader: RIM_VERTEX,
    fragmentShader: `
      uniform vec3 tint; varying vec3 vNormalView; varying vec3 vToEye;
      void main() {
        float rim = 1.0 - abs(dot(normalize(vNormalView), normalize(vToEye)));
        gl_FragColor = vec4(tint, 0.025 + 0.17 * pow(rim, 3.0));
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(new SphereGeometry(1, 48, 32), material);
  mesh.position.copy(from).addScaledVector(along, 0.5);
  mesh.scale.set(long, wide, wide);
  mesh.quaternion.setFromUnitVectors(X, along.normalize());
  return mesh;
}

function contactShadow() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 128;
  const paper = canvas.getContext("2d");
  const shade = paper.createRadialGradient(64, 64, 4, 64, 64, 64);
  shade.addColorStop(0, "rgba(0,0,0,0.9)");
  shade.addColorStop(0.5, "rgba(0,0,0,0.35)");
  shade.addColorStop(1, "rgba(0,0,0,0)");
  paper.fillStyle = shade;
  paper.fillRect(0, 0, 128, 128);
  const material = new MeshBasicMaterial({
    map: new CanvasTexture(canvas), transparent: true, depthWrite: false, opacity: 0,
  });
  return new Mesh(new PlaneGeometry(1.3, 1.3), material);
}

function label(text, above) {
  const canvas = document.createElement("canvas");
  canvas.width = 512;
  canvas.height = 64;
  const paper = canvas.getContext("2d");
  paper.font = "500 34px Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  paper.textAlign = "center";
  paper.textBaseline = "middle";
  paper.fillStyle = "#a9bbd2";
  paper.fillText(text, 256, 32, 500);
  const map = new CanvasTexture(canvas);
  map.colorSpace = SRGBColorSpace;
  const sprite = new Sprite(new SpriteMaterial({ map, transparent: true, depthWrite: false, depthTest: false }));
  sprite.scale.set(2.72, 0.34, 1);
  sprite.position.copy(above).setZ(above.z + 0.32);
  sprite.renderOrder = 6;
  return sprite;
}
