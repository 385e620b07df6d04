"""Which sessions are those of programs."""

from itertools import pairwise

from oracle.agents import agent_row
from oracle.settings import Settings
from oracle.values import HOUR, SECOND
from oracle.visits import Session


def bot_reason(session: Session, settings: Settings) -> str | None:
    """The first reason that applies; None for people."""
    times = [event.at for event in session.events]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    duration, count = times[-1] - times[0], len(times)
    agents = {event.user_agent for event in session.events if event.user_agent is not None}

    if any(agent_row(agent)["is_bot_agent"] for agent in agents):
        return "user_agent"
    if count >= settings.bot_min_events and count * SECOND > settings.bot_events_per_second * (
        duration or SECOND
    ):
        return "event_rate"
    if (
        len(gaps) >= settings.bot_min_gaps
        and min(gaps) > 0
        and max(gaps) - min(gaps) <= settings.bot_pace_milliseconds * 1000
    ):
        return "regular_pace"
    if duration > settings.bot_hours * HOUR and count > settings.bot_endless_events:
        return "endless"
    return None
