"""How good an event is: the weight of the rules that it passes."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from oracle.knowledge import Rule
from oracle.records import Event
from oracle.values import HOUR, MINUTE, ratio

PASSES: dict[str, Callable[[Event], bool]] = {
    "has_own_id": lambda event: event.has_own_id,
    "has_own_time": lambda event: event.timestamp_source == "event",
    "time_is_plausible": lambda event: event.at <= event.source_modified_at + 5 * MINUTE,
    "arrived_in_time": lambda event: event.at >= event.source_modified_at - 72 * HOUR,
    "has_user_agent": lambda event: event.user_agent is not None,
    "has_source_session": lambda event: event.source_session_id is not None,
    "has_page": lambda event: event.page_url is not None,
    "has_space": lambda event: event.space_id is not None,
    "has_coordinates": lambda event: event.pitch is not None and event.yaw is not None,
    "has_product": lambda event: any(line.product_id is not None for line in event.lines),
    "has_price": lambda event: _all_positive([line.price for line in event.lines]),
    "has_quantity": lambda event: _all_positive([line.quantity for line in event.lines]),
}
"""Whether an event passes each of the rules that a seed may name."""


@dataclass(frozen=True, slots=True)
class Quality:
    score: Decimal | None
    failed_rules: str


def quality_of(event: Event, rules: tuple[Rule, ...]) -> Quality:
    """Rules come in the seed's order; an event without an action has those for all."""
    applicable = [rule for rule in rules if rule.event_action in (None, event.event_action)]
    passed = {rule.name: PASSES[rule.name](event) for rule in applicable}
    weights = {
        has_passed: sum((rule.weight for rule in applicable if passed[rule.name] is has_passed), Decimal(0))
        for has_passed in (True, False)
    }
    return Quality(
        score=ratio(weights[True], weights[True] + weights[False]),
        failed_rules=",".join(rule.name for rule in applicable if not passed[rule.name]),
    )


def _all_positive(values: list[Decimal | None] | list[int | None]) -> bool:
    """No line at all is not good enough."""
    return bool(values) and all(value is not None and value > 0 for value in values)
