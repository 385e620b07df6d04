"""The event marts, computed in plain Python from the facts and dimensions that they are built on.

It is written from the page that defines the marts and knows no SQL: a test reads the lake's facts, calls
`marts_of_facts`, and compares each table with the lake, row by row.
"""

from oracle.event_marts.attribution import channel_attribution
from oracle.event_marts.funnels import session_funnel, visitor_funnel
from oracle.event_marts.growth import (
    daily_cohort_analysis,
    retention_daily,
    stickiness,
    user_activity,
    user_lifecycle,
)
from oracle.event_marts.inputs import Facts, Funnel, QualityRule, Row, Settings
from oracle.event_marts.journeys import (
    journey_milestones,
    page_performance,
    page_transitions,
    user_journey_analysis,
)
from oracle.event_marts.kpis import daily_kpis, product_affinity
from oracle.event_marts.observability import (
    anomalies,
    data_quality_daily,
    data_quality_rules_daily,
    pipeline_health,
    unknown_events,
)
from oracle.event_marts.people import People
from oracle.event_marts.tours import daily_space_engagement, spatial_analytics

__all__ = ["KEYS", "Facts", "Funnel", "QualityRule", "Row", "Settings", "marts_of_facts"]

KEYS: dict[str, tuple[str, ...]] = {
    "session_funnel": ("event_date", "funnel_name", "step_number"),
    "visitor_funnel": ("event_date", "funnel_name", "step_number"),
    "daily_space_engagement": ("analysis_date", "space_id"),
    "spatial_analytics": ("analysis_date", "space_id", "room_id", "spatial_exploration_level"),
    "user_journey_analysis": ("analysis_date", "journey_type", "engagement_tier"),
    "journey_milestones": ("event_date", "milestone"),
    "page_performance": ("event_date", "page_path"),
    "page_transitions": ("session_date", "from_page", "to_page"),
    "user_activity": ("event_date",),
    "daily_cohort_analysis": ("analysis_date", "cohort_week", "weeks_since_first_visit"),
    "retention_daily": ("cohort_date", "days_since_first_visit"),
    "user_lifecycle": ("week",),
    "stickiness": ("event_date",),
    "channel_attribution": ("conversion_date", "channel", "model"),
    "data_quality_daily": ("event_date", "source_format"),
    "data_quality_rules_daily": ("event_date", "source_format", "rule"),
    "unknown_events": ("event_type", "event_name"),
    "anomalies": ("event_date", "metric"),
    "pipeline_health": ("load_hour", "source"),
    "daily_kpis": ("event_date",),
    "product_affinity": ("product_a", "product_b"),
}
"""The columns that name a row, by table; in the order in which the rows have them."""


def marts_of_facts(facts: Facts, settings: Settings) -> dict[str, list[Row]]:
    """The rows of every event mart, by table, in no particular order.

    Args:
        facts: the rows of the tables that the marts read, of all time.
        settings: the vars and seeds of the project that the marts depend on.
    """
    people = People(facts)
    return {
        "session_funnel": session_funnel(people, settings),
        "visitor_funnel": visitor_funnel(people, settings),
        "daily_space_engagement": daily_space_engagement(people),
        "spatial_analytics": spatial_analytics(people),
        "user_journey_analysis": user_journey_analysis(people),
        "journey_milestones": journey_milestones(people),
        "page_performance": page_performance(people, settings),
        "page_transitions": page_transitions(people),
        "user_activity": user_activity(people),
        "daily_cohort_analysis": daily_cohort_analysis(people, settings),
        "retention_daily": retention_daily(people),
        "user_lifecycle": user_lifecycle(people),
        "stickiness": stickiness(people),
        "channel_attribution": channel_attribution(people, settings),
        "data_quality_daily": data_quality_daily(facts),
        "data_quality_rules_daily": data_quality_rules_daily(facts, settings),
        "unknown_events": unknown_events(people),
        "anomalies": anomalies(facts, people),
        "pipeline_health": pipeline_health(facts, settings),
        "daily_kpis": daily_kpis(facts, people),
        "product_affinity": product_affinity(facts, people),
    }
