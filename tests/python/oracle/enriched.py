"""What is known of an event by itself, before its session is looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from oracle.addresses import country_of
from oracle.agents import agent_row
from oracle.goals import goal_of
from oracle.knowledge import Knowledge
from oracle.origins import Origin, origin_of
from oracle.quality import Quality, quality_of
from oracle.records import Event
from oracle.values import lowered


@dataclass(frozen=True, slots=True)
class Enriched:
    origin: Origin
    device_type: str | None
    country: str | None
    conversion_goal: str | None
    conversion_value: Decimal | None
    quality: Quality

    def columns(self) -> dict[str, Any]:
        return asdict(self.origin) | {
            "device_type": self.device_type,
            "country": self.country,
            "conversion_goal": self.conversion_goal,
            "conversion_value": self.conversion_value,
            "data_quality_score": self.quality.score,
            "failed_rules": self.quality.failed_rules,
        }


def enriched(event: Event, knowledge: Knowledge) -> Enriched:
    goal = goal_of(event, knowledge.goals)
    return Enriched(
        origin=origin_of(event, knowledge),
        device_type=_device_type(event),
        country=knowledge.country_code(event.source_country)
        or country_of(event.ip_address, knowledge.address_ranges),
        conversion_goal=goal and goal.name,
        conversion_value=_value(event.revenue, goal.value) if goal else None,
        quality=quality_of(event, knowledge.rules),
    )


def _value(revenue: Decimal | None, value: Decimal | None) -> Decimal | None:
    return revenue if value is None else value


def _device_type(event: Event) -> str | None:
    if event.user_agent is not None:
        return agent_row(event.user_agent)["device_type"]
    return None if event.source_device_type is None else lowered(event.source_device_type)
