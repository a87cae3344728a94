"""The 17 joints of the paper (Table II, in its order) and the limbs between them.

The same order is used by the motion capture, the bundles, the MQTT messages and the tables.
"""

JOINTS = (
    "MidHip", "LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle", "Back", "Neck", "Nose", "Head",
    "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
)  # fmt: skip

N_JOINTS = len(JOINTS)

ROOT = JOINTS.index("MidHip")
LEFT_HIP = JOINTS.index("LHip")
RIGHT_HIP = JOINTS.index("RHip")

# (parent, child) joint indices, a tree rooted at MidHip.
EDGES = (
    (0, 1), (1, 2), (2, 3),
    (0, 4), (4, 5), (5, 6),
    (0, 7), (7, 8), (8, 9), (9, 10),
    (8, 11), (11, 12), (12, 13),
    (8, 14), (14, 15), (15, 16),
)  # fmt: skip
