"""The thresholds, as the project's vars have them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    session_inactivity_minutes: int = 30
    engaged_gap_seconds: int = 60
    bot_min_events: int = 30
    bot_events_per_second: int = 5
    bot_min_gaps: int = 20
    bot_pace_milliseconds: int = 20
    bot_hours: int = 12
    bot_endless_events: int = 1000
