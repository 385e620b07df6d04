"""Quality of the events, health of the pipeline, days unlike others."""

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from oracle.event_marts.inputs import Facts, QualityRule, Row, Settings
from oracle.event_marts.numbers import (
    average,
    mean,
    nearest_rank,
    ratio,
    rounded,
    whole_seconds,
)
from oracle.event_marts.people import People

LOW_SCORE = Decimal("0.5")
MOST_DAYS, FEWEST_DAYS = 28, 14


def data_quality_daily(facts: Facts) -> list[Row]:
    """Bots included."""
    groups = defaultdict(list)
    for event in facts.events:
        groups[event["event_date"], event["source_format"]].append(event)
    rows = []
    for (day, source_format), events in groups.items():
        scores = [event["data_quality_score"] for event in events]
        rows.append(
            {
                "event_date": day,
                "source_format": source_format,
                "event_count": len(events),
                "average_score": average(scores, 4),
                "tenth_percentile_score": nearest_rank(scores, 10),
                "low_score_events": sum(score < LOW_SCORE for score in scores),
                "bot_events": sum(event["is_bot"] for event in events),
                "arrival_events": sum(event["timestamp_source"] == "arrival" for event in events),
            }
        )
    return rows


def data_quality_rules_daily(facts: Facts, settings: Settings) -> list[Row]:
    """Bots included; no row where a rule applies to nothing."""
    applicable: Counter[tuple] = Counter()
    failed: Counter[tuple] = Counter()
    for event in facts.events:
        failures = event["failed_rules"].split(",")
        for rule in settings.quality_rules:
            if applies(rule, event):
                key = event["event_date"], event["source_format"], rule.name
                applicable[key] += 1
                failed[key] += rule.name in failures
    return [
        {
            "event_date": key[0],
            "source_format": key[1],
            "rule": key[2],
            "applicable_events": count,
            "failed_events": failed[key],
        }
        for key, count in applicable.items()
    ]


def applies(rule: QualityRule, event: Row) -> bool:
    return not rule.actions or event["event_action"] in rule.actions


def unknown_events(people: People) -> list[Row]:
    times = defaultdict(list)
    for event in people.events:
        if event["event_action"] is None:
            times[event["event_type"], event["event_name"]].append(event["event_timestamp"])
    return [
        {
            "event_type": key[0],
            "event_name": key[1],
            "first_seen_at": min(seen),
            "last_seen_at": max(seen),
            "event_count": len(seen),
        }
        for key, seen in times.items()
    ]


def pipeline_health(facts: Facts, settings: Settings) -> list[Row]:
    """By the hour of loading: delays of all records that are no rejects, scores of the events that stayed."""
    loads, rejected, delays, scores = (defaultdict(list) for _ in range(4))
    for load in facts.loads:
        if load["dataset"] == "web_events":
            loads[_load_key(load)].append(load)
    for record in rejected_records(facts):
        rejected[_load_key(record)].append(record["rejection_reason"])
    for record in facts.staged:
        if record["rejection_reason"] is None:
            delays[_load_key(record)].append(whole_seconds(record["event_timestamp"], record["loaded_at"]))
    for event in facts.events:
        scores[_load_key(event)].append(event["data_quality_score"])
    rows = []
    for key, objects in loads.items():
        records = sum(load["record_count"] for load in objects)
        median_delay, score = nearest_rank(delays[key], 50), mean(scores[key])
        is_late = median_delay is not None and median_delay > 60 * settings.longest_delay_minutes
        is_faulty = len(rejected[key]) > Fraction(settings.highest_error_rate) * records
        is_poor = score is not None and score < Fraction(settings.lowest_score)
        rows.append(
            {
                "load_hour": key[0],
                "source": key[1],
                "batch_count": len({load["batch_id"] for load in objects}),
                "object_count": len({(load["source_uri"], load["source_etag"]) for load in objects}),
                "record_count": records,
                "malformed_count": rejected[key].count("not_json_object"),
                "rejected_count": len(rejected[key]),
                "error_rate": ratio(len(rejected[key]), records),
                "median_delay_seconds": median_delay,
                "p95_delay_seconds": nearest_rank(delays[key], 95),
                "average_score": average(scores[key], 4),
                "delay_status": "breach" if is_late else "ok",
                "error_rate_status": "breach" if is_faulty else "ok",
                "score_status": "breach" if is_poor else "ok",
            }
        )
    return rows


def _load_key(row: Row) -> tuple[datetime, str]:
    return row["loaded_at"].replace(minute=0, second=0, microsecond=0), row["source"]


def rejected_records(facts: Facts) -> list[Row]:
    return [record for record in current_records(facts) if record["rejection_reason"] is not None]


def current_records(facts: Facts) -> list[Row]:
    """Staged records without those of replaced objects, which are superseded, whatever they hold."""
    current: dict[str, tuple[datetime, str]] = {}
    for load in facts.loads:
        if load["dataset"] == "web_events":
            version = modified_at(load), load["source_etag"]
            current[load["source_uri"]] = max(version, current.get(load["source_uri"], version))
    return [record for record in facts.staged if record["source_etag"] == current[record["source_uri"]][1]]


def modified_at(load: Row) -> datetime:
    """As staging has it: nobody believes a date before 2000."""
    said = load["source_modified_at"]
    return said if said >= datetime(2000, 1, 1) else load["loaded_at"]


def anomalies(facts: Facts, people: People) -> list[Row]:
    """Each day with data against the days with data among the 28 before it."""
    rows = []
    for metric, values in daily_metrics(facts, people).items():
        for day, value in values.items():
            before = [values[other] for other in values if 1 <= (day - other).days <= MOST_DAYS]
            if len(before) < FEWEST_DAYS:
                continue
            expected = nearest_rank(before, 50)
            deviation = nearest_rank([abs(other - expected) for other in before], 50)
            band = max(4 * deviation, abs(expected) * Decimal("0.05"), _least_band(metric))
            if abs(value - expected) > band:
                rows.append(
                    {
                        "event_date": day,
                        "metric": metric,
                        "value": value,
                        "expected": expected,
                        "band": rounded(band, 4),
                        "direction": "above" if value > expected else "below",
                    }
                )
    return rows


def _least_band(metric: str) -> Decimal:
    """1, but for what is never more than 1: a point of percent."""
    return Decimal("0.01") if metric in ("reject_share", "duplicate_share", "score") else Decimal(1)


def daily_metrics(facts: Facts, people: People) -> dict[str, dict[date, Decimal]]:
    """The value of each metric for each day that has data, with 4 decimals.

    Records and rejects by the day on which the object was last modified, all else by the day of the events.
    """
    records, rejects = Counter(), Counter()
    for load in facts.loads:
        if load["dataset"] == "web_events":
            records[modified_at(load).date()] += load["record_count"]
    for record in rejected_records(facts):
        rejects[record["source_modified_at"].date()] += 1

    copies = Counter(
        record["event_timestamp"].date()
        for record in current_records(facts)
        if record["rejection_reason"] is None
    )
    kept = Counter(event["event_date"] for event in facts.events)

    events = defaultdict(list)
    for event in people.events:
        events[event["event_date"]].append(event)
    sessions = {day: {event["session_id"] for event in of_day} for day, of_day in events.items()}
    revenue = {
        day: sum((event["revenue"] for event in of_day if event["event_action"] == "purchase"), Decimal(0))
        for day, of_day in events.items()
    }
    return {
        "records": {day: rounded(count, 4) for day, count in records.items()},
        "reject_share": {day: ratio(rejects[day], count) for day, count in records.items() if count},
        "duplicate_share": {day: ratio(count - kept[day], count) for day, count in copies.items()},
        "events": {day: rounded(len(of_day), 4) for day, of_day in events.items()},
        "sessions": {day: rounded(len(of_day), 4) for day, of_day in sessions.items()},
        "revenue": {day: rounded(amount, 4) for day, amount in revenue.items()},
        "score": {
            day: average([event["data_quality_score"] for event in of_day], 4)
            for day, of_day in events.items()
        },
    }
