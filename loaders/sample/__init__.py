"""Deterministic sample data: web events with all the dirt of real ones, and exact counts of what to expect.

world, population   who visits and what there is: a function of the seed
journeys, sessions  what a visitor does, and by which tracker it is recorded
formats, trackers   the events of a session as text: in formats of one's own, and as others export them
oddities            what is odd about all events of a session
dirt, delivery      late, repeated, enveloped and broken records
containers, writer  the objects of the landing area
commerce            transactions, reviews, catalog
manifest            the exact counts
generate            puts these together
"""

from loaders.sample.generate import DEFAULT_START, generate_sample
from loaders.sample.manifest import MANIFEST_NAME, Manifest

__all__ = ["DEFAULT_START", "MANIFEST_NAME", "Manifest", "generate_sample"]
