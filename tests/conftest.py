"""What every test shares: property tests draw the same examples on every run and on every machine."""

from hypothesis import settings

settings.register_profile("landfall", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("landfall")
