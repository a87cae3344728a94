// A person of 17 joints: tapered limbs, round joints, left and right in two tints; or the same as a ghost.

import {
  AdditiveBlending, Color, CylinderGeometry, Group, Matrix4, Mesh, MeshBasicMaterial, MeshStandardMaterial, ShaderMaterial,
  SphereGeometry, Vector3,
} from "./vendor/three.module.min.js";

// As in edge/skeleton.py, which the tests compare: for where nobody has said yet what the rows of a pose are.
export const JOINTS = [
  "MidHip", "LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle", "Back", "Neck", "Nose", "Head",
  "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
];
export const EDGES = [
  [0, 1], [1, 2], [2, 3], [0, 4], [4, 5], [5, 6], [0, 7], [7, 8], [8, 9], [9, 10],
  [8, 11], [11, 12], [12, 13], [8, 14], [14, 15], [15, 16],
];

export const TINTS = { left: "#4fd6c4", right: "#ff8f70", middle: "#e6ebf2", ghost: "#93a4ff" };

// Metres, for the eye alone: a pose says nothing of how thick a limb is.
const RADIUS = {
  MidHip: 0.075, Hip: 0.07, Knee: 0.05, Ankle: 0.034, Back: 0.068, Neck: 0.05, Shoulder: 0.054, Elbow: 0.04,
  Wrist: 0.03,
};
const TRUNK_DEPTH = 0.088; // half of it, front to back
const SKULL = [0.086, 0.086, 0.118];
const CHASE_S = 0.05; // the figure follows a pose with this time constant: 30 poses/s look smooth on any screen
const LEAP_M = 1.2; // between two poses nobody goes so far; the figure is put there rather than dragged along

const Y = new Vector3(0, 1, 0);
const Z = new Vector3(0, 0, 1);

export class Figure extends Group {
  constructor({ joints = JOINTS, edges = EDGES, ghost = false } = {}) {
    super();
    this.names = joints;
    this.goal = joints.map(() => new Vector3());
    this.at = joints.map(() => new Vector3());
    this.opacity = 0; // what is drawn
    this.wanted = 0; // where it fades to
    this.ghost = ghost;
    this.materials = [];
    this.hollows = []; // write depth alone, so that what shines through is one silhouette and not its parts
    const tint = ghost ? null : TINTS;
    this.skins = {};
    for (const side of ["left", "right", "middle"]) this.skins[side] = this.skin(ghost ? TINTS.ghost : tint[side]);
    this.balls = joints.map((name) => {
      const swell = side(name) === "middle" ? 1.04 : 1.1; // a joint that bends shows
      return isHead(name) ? null : this.part(ball(radius(name) * swell), side(name));
    });
    this.limbs = edges
      .filter(([, child]) => !isHead(joints[child]))
      .map(([parent, child]) => {
        const [upper, lower] = [radius(joints[parent]), radius(joints[child])];
        const slim = Math.min(upper, lower * 1.5); // hips and shoulders do not swell towards the spine
        return { parent, child, mesh: this.part(cylinder(slim, lower), side(joints[child])) };
      });
    const neck = joints.indexOf("Neck"), head = joints.indexOf("Head"), nose = joints.indexOf("Nose");
    this.head = [neck, nose, head].every((joint) => joint >= 0)
      ? { neck, nose, head, skull: this.part(ball(1), "middle"), nape: this.part(cylinder(0.045, 0.045), "middle") }
      : null;
    this.head?.skull.scale.set(...SKULL);
    const trunk = ["LHip", "RHip", "MidHip", "Back", "Neck", "LShoulder", "RShoulder"].map((name) => joints.indexOf(name));
    this.trunk = trunk.every((joint) => joint >= 0)
      ? { rows: trunk, pelvis: this.part(ball(1), "middle"), chest: this.part(ball(1), "middle") }
      : null;
    this.visible = false;
  }

  skin(colour) {
    const made = this.ghost ? hologram(colour) : new MeshStandardMaterial({ color: colour, roughness: 0.55 });
    if (!this.ghost) {
      made.emissive = new Color(colour);
      made.emissiveIntensity = 0.1;
    }
    this.materials.push(made);
    return made;
  }

  part(geometry, which) {
    const mesh = new Mesh(geometry, this.skins[which]);
    mesh.renderOrder = this.ghost ? 4 : 2;
    mesh.castShadow = !this.ghost;
    mesh.frustumCulled = false; // its bounds are moved every frame
    const hollow = new Mesh(geometry, HOLLOW);
    hollow.renderOrder = mesh.renderOrder - 1;
    hollow.frustumCulled = false;
    mesh.add(hollow);
    this.hollows.push(hollow);
    this.add(mesh);
    return mesh;
  }

  /** joints: rows of [x, y, z] in metres, z up. */
  pose(joints) {
    joints.forEach((joint, row) => this.goal[row].fromArray(joint));
    if (this.opacity < 0.02 || this.at[0].distanceTo(this.goal[0]) > LEAP_M) {
      this.at.forEach((place, row) => place.copy(this.goal[row]));
    }
  }

  /** Moves and fades; true where that can be seen. */
  update(seconds) {
    const share = 1 - Math.exp(-seconds / CHASE_S);
    let moved = 0;
    this.at.forEach((place, row) => {
      moved = Math.max(moved, place.distanceToSquared(this.goal[row]));
      place.lerp(this.goal[row], share);
    });
    const before = this.opacity;
    this.opacity += (this.wanted - this.opacity) * (1 - Math.exp(-seconds / 0.1));
    if (Math.abs(this.wanted - this.opacity) < 0.01) this.opacity = this.wanted;
    this.visible = this.opacity > 0;
    if (!this.visible) return before > 0;
    this.fade();
    this.place();
    return moved > 1e-8 || before !== this.opacity;
  }

  fade() {
    const whole = this.opacity > 0.99 && !this.ghost;
    for (const material of this.materials) {
      if (this.ghost) material.uniforms.strength.value = this.opacity;
      else if (material.transparent === whole) {
        material.transparent = !whole;
        material.needsUpdate = true;
      }
      material.opacity = this.opacity;
    }
    for (const hollow of this.hollows) hollow.visible = !whole;
    this.children.forEach((mesh) => (mesh.castShadow = whole));
  }

  place() {
    this.balls.forEach((mesh, row) => mesh?.position.copy(this.at[row]));
    for (const { parent, child, mesh } of this.limbs) stretch(mesh, this.at[parent], this.at[child]);
    if (this.trunk) {
      const [leftHip, rightHip, middle, back, neckTop, left, right] = this.trunk.rows.map((row) => this.at[row]);
      bulge(this.trunk.pelvis, rightHip, leftHip, middle, back, 0.12, 0.62, 0.36);
      bulge(this.trunk.chest, right, left, back, neckTop, 0.52, 0.41, 0.68);
    }
    if (!this.head) return;
    const { neck, nose, head, skull, nape } = this.head;
    skull.position.lerpVectors(this.at[nose], this.at[head], 0.45);
    const up = new Vector3().subVectors(this.at[head], this.at[neck]).normalize();
    skull.quaternion.setFromUnitVectors(Z, up.lengthSq() > 0.5 ? up : Z);
    stretch(nape, this.at[neck], skull.position);
  }

  dispose() {
    this.traverse((mesh) => mesh.geometry?.dispose());
    this.materials.forEach((material) => material.dispose());
  }
}

const HOLLOW = new MeshBasicMaterial({ colorWrite: false, transparent: true });

/** Light at the rim, nearly nothing in the middle. */
function hologram(colour) {
  return new ShaderMaterial({
    uniforms: { tint: { value: new Color(colour) }, strength: { value: 0 } },
    transparent: true, depthWrite: false, blending: AdditiveBlending,
    vertexShader: RIM_VERTEX,
    fragmentShader: `
      uniform vec3 tint; uniform float strength; varying vec3 vNormalView; varying vec3 vToEye;
      void main() {
        float rim = 1.0 - abs(dot(normalize(vNormalView), normalize(vToEye)));
        gl_FragColor = vec4(tint, strength * (0.10 + 0.62 * rim * rim));
        #include <colorspace_fragment>
      }`,
  });
}

export const RIM_VERTEX = `
  varying vec3 vNormalView; varying vec3 vToEye;
  void main() {
    vec4 seen = modelViewMatrix * vec4(position, 1.0);
    vNormalView = normalMatrix * normal;
    vToEye = -seen.xyz;
    gl_Position = projectionMatrix * seen;
  }`;

function stretch(mesh, from, to) {
  const along = new Vector3().subVectors(to, from);
  const length = Math.max(along.length(), 1e-4);
  mesh.position.copy(from).addScaledVector(along, 0.5);
  mesh.quaternion.setFromUnitVectors(Y, along.divideScalar(length));
  mesh.scale.y = length;
}

/** An ellipsoid at `share` of a stretch of the spine; `wide` and `tall` are shares of the body's width and of the stretch. */
function bulge(mesh, right, left, low, high, share, wide, tall) {
  const across = new Vector3().subVectors(left, right);
  const up = new Vector3().subVectors(high, low);
  const [width, height] = [across.length(), up.length()];
  if (width < 1e-3 || height < 1e-3) return;
  const front = new Vector3().crossVectors(across, up).normalize();
  up.crossVectors(front, across).normalize();
  mesh.position.lerpVectors(low, high, share);
  mesh.quaternion.setFromRotationMatrix(new Matrix4().makeBasis(across.divideScalar(width), front.negate(), up));
  mesh.scale.set(width * wide, TRUNK_DEPTH, height * tall);
}

function ball(size) {
  return new SphereGeometry(size, 28, 20);
}

/** Of length 1 along y, from `first` below to `last` above. */
function cylinder(first, last) {
  return new CylinderGeometry(last, first, 1, 24, 1, true);
}

function isHead(name) {
  return name === "Nose" || name === "Head";
}

function side(name) {
  return /^L[A-Z]/.test(name) ? "left" : /^R[A-Z]/.test(name) ? "right" : "middle";
}

function radius(name) {
  return RADIUS[name] ?? RADIUS[name.slice(1)] ?? 0.04;
}
