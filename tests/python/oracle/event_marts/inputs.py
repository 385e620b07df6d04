"""What the marts are computed from: rows of the lake, and the project's vars and seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

Row = dict[str, Any]

PAGE_VIEWS = ("page_view", "screen_view", "space_view")


@dataclass(frozen=True)
class Facts:
    """Rows as the lake returns them, one dict each, of all time."""

    events: list[Row] = field(default_factory=list)
    """fct_web_events"""
    sessions: list[Row] = field(default_factory=list)
    """fct_sessions"""
    visitors: list[Row] = field(default_factory=list)
    """dim_visitors"""
    lines: list[Row] = field(default_factory=list)
    """fct_event_products"""
    staged: list[Row] = field(default_factory=list)
    """stg_web_events: source, source_uri, source_etag, source_modified_at, loaded_at, event_timestamp,
    rejection_reason"""
    loads: list[Row] = field(default_factory=list)
    """raw.load_batches"""
    transactions: list[Row] = field(default_factory=list)
    """fct_transactions"""


class Funnel(NamedTuple):
    name: str
    window_minutes: int
    steps: tuple[tuple[str, str], ...]
    """(step_name, event_action), in order."""


class QualityRule(NamedTuple):
    name: str
    actions: tuple[str, ...] = ()
    """The event_actions that it applies to; empty for all events."""


def _funnel(name: str, window_minutes: int, *actions: str) -> Funnel:
    """A funnel whose steps have the names of their actions."""
    return Funnel(name, window_minutes, tuple((action, action) for action in actions))


FUNNELS = (
    _funnel("shop", 1_440, "product_view", "add_to_cart", "checkout_start", "purchase"),
    _funnel("shop_short", 60, "product_view", "add_to_cart", "purchase"),
    _funnel("tour", 1_440, "space_view", "room_view", "lead"),
)

QUALITY_RULES = (
    QualityRule("has_own_id"),
    QualityRule("has_own_time"),
    QualityRule("time_is_plausible"),
    QualityRule("arrived_in_time"),
    QualityRule("has_user_agent"),
    QualityRule("has_source_session"),
    QualityRule("has_page", ("page_view", "product_view", "product_list_view", "space_view")),
    QualityRule("has_space", ("space_view", "room_view")),
    QualityRule("has_coordinates", ("room_view",)),
    QualityRule("has_product", ("product_view", "add_to_cart", "remove_from_cart", "purchase")),
    QualityRule("has_price", ("purchase",)),
    QualityRule("has_quantity", ("add_to_cart", "purchase")),
)


@dataclass(frozen=True)
class Settings:
    """Vars and seeds, as the project ships them."""

    funnels: tuple[Funnel, ...] = FUNNELS
    quality_rules: tuple[QualityRule, ...] = QUALITY_RULES
    visitor_funnel_days: int = 7
    engaged_gap_seconds: int = 60
    cohort_analysis_days: int = 28
    attribution_days: int = 30
    longest_delay_minutes: int = 15
    highest_error_rate: Decimal = Decimal("0.01")
    lowest_score: Decimal = Decimal("0.8")
