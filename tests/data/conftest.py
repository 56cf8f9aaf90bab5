"""Property tests of this room draw the same examples on every machine, however slow it is."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
