"""What weakens one straight path. Operators only, so that the same lines run on NumPy and JAX arrays and, compiled by
numba, on numbers: no branch, no function of an array library. Lengths in metres, results amplitudes in 0..1.

Diffraction is that of a single knife edge, ITU-R P.526-15, Eq. 26 and 31, at the nearest edge, in the plane of the path
and that edge. A body is a cylinder of `TRUNK_RADIUS`; a real one, being round, leaves a little less in deep shadow.

numba keeps compiled kernels by the file they stand in: after a change here, touch `channel.py`.
"""

from typing import Any

from numba.extending import register_jitable

TRUNK_RADIUS = 0.18  # m, of the cylinder that blocks
EDGE = 10 ** (-6.9 / 20)  # amplitude at v = 0.1, Eq. 31
NEAR_M = 0.1  # a limb nearer to the trunk than this lies against it; its shadow fades in over this distance

Scalar = Any  # a number, or arrays that broadcast


@register_jitable(fastmath=True, error_model="numpy")
def smaller(a: Scalar, b: Scalar) -> Scalar:
    return 0.5 * (a + b - abs(a - b))


@register_jitable(fastmath=True, error_model="numpy")
def larger(a: Scalar, b: Scalar) -> Scalar:
    return 0.5 * (a + b + abs(a - b))


@register_jitable(fastmath=True, error_model="numpy")
def knife_edge(v: Scalar) -> Scalar:
    """Eq. 31, J(v) = 6.9 + 20 log10(sqrt((v - 0.1)^2 + 1) + v - 0.1) dB, as an amplitude, which needs no logarithm.

    Nothing is lost below v = -0.78.
    """
    u = v - 0.1
    return smaller(1.0, EDGE * ((u * u + 1.0) ** 0.5 - u))


@register_jitable(fastmath=True, error_model="numpy")
def past_trunk(
    ax: Scalar, ay: Scalar, az: Scalar, bx: Scalar, by: Scalar, bz: Scalar, x: Scalar, y: Scalar, top: Scalar,
    wavelength: Scalar,
) -> Scalar:  # fmt: skip
    """Left of the path from a to b near an upright trunk at (x, y) that ends at the height `top`."""
    dx, dy, dz = bx - ax, by - ay, bz - az
    flat = dx * dx + dy * dy + 1e-12
    along = ((x - ax) * dx + (y - ay) * dy) / flat
    between = (along > 0.02) * (along < 0.98)
    cx, cy = ax + along * dx - x, ay + along * dy - y
    depth = smaller(TRUNK_RADIUS - (cx * cx + cy * cy) ** 0.5, top - az - along * dz)
    along = smaller(larger(along, 0.02), 0.98)
    path = (flat + dz * dz) ** 0.5
    edge = knife_edge(depth * (2.0 / (wavelength * path * along * (1.0 - along))) ** 0.5)
    return 1.0 - between * (1.0 - edge)


@register_jitable(fastmath=True, error_model="numpy")
def past_torso(
    rx: Scalar, ry: Scalar, rz: Scalar, wx: Scalar, wy: Scalar, wz: Scalar, distance: Scalar,
    ux: Scalar, uy: Scalar, uz: Scalar, half: Scalar, wavelength: Scalar,
) -> Scalar:  # fmt: skip
    """Left of the path between a limb and a far point, past the limb's own trunk, in whatever posture that is.

    r  from the trunk's middle to the limb; w (unit vector) and distance  from the limb to the far point
    u  (unit vector) and half  the trunk's axis from its middle to either end
    """
    b = wx * ux + wy * uy + wz * uz
    d = wx * rx + wy * ry + wz * rz
    e = ux * rx + uy * ry + uz * rz
    on_axis = larger(smaller((e - b * d) / (1.001 - b * b), half), -half)  # of the axis' point nearest to the path
    t = on_axis * b - d  # along the path, of its point nearest to that
    cx, cy, cz = rx + t * wx - on_axis * ux, ry + t * wy - on_axis * uy, rz + t * wz - on_axis * uz
    depth = TRUNK_RADIUS - (cx * cx + cy * cy + cz * cz) ** 0.5
    near = larger(t, NEAR_M)
    edge = knife_edge(depth * (2.0 / wavelength * (1.0 / near + 1.0 / distance)) ** 0.5)
    return 1.0 - smaller(larger(t / NEAR_M, 0.0), 1.0) * (1.0 - edge)


@register_jitable(fastmath=True, error_model="numpy")
def past_screen(
    ax: Scalar, ay: Scalar, az: Scalar, bx: Scalar, by: Scalar, bz: Scalar,
    px: Scalar, py: Scalar, qx: Scalar, qy: Scalar, low: Scalar, high: Scalar, passing: Scalar, wavelength: Scalar,
) -> Scalar:  # fmt: skip
    """Left of the path from a to b at an upright screen from (px, py) to (qx, qy): what passes through, or around the
    nearest edge, whichever is more."""
    ex, ey = qx - px, qy - py
    width = (ex * ex + ey * ey) ** 0.5
    ex, ey = ex / width, ey / width
    before, behind = (ax - px) * ey - (ay - py) * ex, (bx - px) * ey - (by - py) * ex  # the screen's two sides
    crosses = before * behind < 0.0
    along = abs(before) / (abs(before) + abs(behind) + 1e-12)
    dx, dy, dz = bx - ax, by - ay, bz - az
    across = (ax + along * dx - px) * ex + (ay + along * dy - py) * ey
    z = az + along * dz
    depth = smaller(smaller(across, width - across), smaller(z - low, high - z))
    along = smaller(larger(along, 0.02), 0.98)
    path = (dx * dx + dy * dy + dz * dz) ** 0.5
    edge = knife_edge(depth * (2.0 / (wavelength * path * along * (1.0 - along))) ** 0.5)
    return 1.0 - crosses * (1.0 - larger(edge, passing))


@register_jitable(fastmath=True, error_model="numpy")
def pattern(wx: Scalar, wy: Scalar, wz: Scalar, ux: Scalar, uy: Scalar, uz: Scalar) -> Scalar:
    """How much a limb of the axis u scatters along w (unit vectors): the sine of the angle, and a little end-on."""
    along = wx * ux + wy * uy + wz * uz
    return 0.1 + 0.9 * larger(1.0 - along * along, 0.0) ** 0.5
