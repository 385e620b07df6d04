"""Which events are conversions."""

from oracle.knowledge import Goal
from oracle.records import Event


def goal_of(event: Event, goals: tuple[Goal, ...]) -> Goal | None:
    """The first goal, in the seed's order, that the event reaches."""
    return next((goal for goal in goals if _is_reached(goal, event)), None)


def _is_reached(goal: Goal, event: Event) -> bool:
    return (
        goal.event_action in (None, event.event_action)
        and goal.event_name in (None, event.event_name)
        and (goal.page_path_prefix is None or (event.page_path or "").startswith(goal.page_path_prefix))
    )
