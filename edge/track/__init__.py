"""What a household wants to know of a pose: is somebody there, and standing, sitting or lying?"""
