"""Quality of the events, health of the pipeline, days unlike others."""

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from oracle.facts.inputs import Facts, QualityRule, Row, Settings
from oracle.facts.numbers import (
    average,
    mean,
    microseconds_between,
    nearest_rank,
    ratio,
    rounded,
    seconds,
)
from oracle.facts.people import People

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
    """By the hour of loading; delay and score are of the events that came of it, bots included."""
    loads, rejected, delays, scores = defaultdict(list), Counter(), defaultdict(list), defaultdict(list)
    for load in facts.loads:
        if load["dataset"] == "web_events":
            loads[_load_key(load)].append(load)
    for record in rejected_records(facts):
        rejected[_load_key(record)] += 1
    for event in facts.events:
        key = _load_key(event)
        delays[key].append(microseconds_between(event["event_timestamp"], event["loaded_at"]))
        scores[key].append(event["data_quality_score"])
    rows = []
    for key, objects in loads.items():
        records = sum(load["record_count"] for load in objects)
        median, late = nearest_rank(delays[key], 50), nearest_rank(delays[key], 95)
        longest_delay = settings.longest_delay_minutes * 60 * 1_000_000
        score = mean(scores[key])
        is_faulty = records > 0 and Fraction(rejected[key], records) > Fraction(settings.highest_error_rate)
        rows.append(
            {
                "load_hour": key[0],
                "source": key[1],
                "batch_count": len({load["batch_id"] for load in objects}),
                "object_count": len({(load["source_uri"], load["source_etag"]) for load in objects}),
                "record_count": records,
                "malformed_count": sum(load["malformed_count"] for load in objects),
                "rejected_count": rejected[key],
                "error_rate": ratio(rejected[key], records),
                "median_delay_seconds": None if median is None else seconds(median),
                "p95_delay_seconds": None if late is None else seconds(late),
                "average_score": None if score is None else rounded(score, 4),
                "delay_status": _status(late is not None and late > longest_delay),
                "error_rate_status": _status(is_faulty),
                "score_status": _status(score is not None and score < Fraction(settings.lowest_score)),
            }
        )
    return rows


def _load_key(row: Row) -> tuple[datetime, str]:
    return row["loaded_at"].replace(minute=0, second=0, microsecond=0), row["source"]


def _status(is_breached: bool) -> str:
    return "breach" if is_breached else "ok"


def rejected_records(facts: Facts) -> list[Row]:
    """Staged records that are no event; those of replaced objects are superseded, not rejected."""
    current: dict[str, tuple[datetime, str]] = {}
    for load in facts.loads:
        if load["dataset"] == "web_events":
            version = _modified_at(load), load["source_etag"]
            current[load["source_uri"]] = max(version, current.get(load["source_uri"], version))
    return [
        record
        for record in facts.staged
        if record["rejection_reason"] is not None
        and record["source_etag"] == current[record["source_uri"]][1]
    ]


def _modified_at(load: Row) -> datetime:
    """As staging has it: nobody believes a date before 2000."""
    said = load["source_modified_at"]
    return said if said >= datetime(2000, 1, 1) else load["loaded_at"]


def anomalies(facts: Facts, people: People) -> list[Row]:
    """Records and what became of them by the day of loading, the others by the day of the events."""
    rows = []
    for metric, values in daily_metrics(facts, people).items():
        days = sorted(values)
        for number, day in enumerate(days):
            before = [values[other] for other in days[max(0, number - MOST_DAYS) : number]]
            if len(before) < FEWEST_DAYS:
                continue
            expected = nearest_rank(before, 50)
            band = _band(expected, nearest_rank([abs(value - expected) for value in before], 50))
            if abs(values[day] - expected) > band:
                rows.append(
                    {
                        "event_date": day,
                        "metric": metric,
                        "value": values[day],
                        "expected": expected,
                        "band": rounded(band, 4),
                        "direction": "above" if values[day] > expected else "below",
                    }
                )
    return rows


def _band(expected: Decimal, deviation: Decimal) -> Decimal:
    """How far a value may be from the expected one."""
    least = abs(expected) * Decimal("0.05")
    if deviation == 0:
        return max(least, Decimal(1))
    return max(4 * deviation, least)


def daily_metrics(facts: Facts, people: People) -> dict[str, dict[date, Decimal]]:
    """The value of each metric for each day that has data, with 4 decimals."""
    accounts = defaultdict(list)
    for account in facts.reconciliation:
        accounts[account["load_date"]].append(account)
    raw = {day: sum(a["raw_records"] for a in of_day) for day, of_day in accounts.items()}
    events = defaultdict(list)
    for event in people.events:
        events[event["event_date"]].append(event)
    sessions = Counter(session["session_date"] for session in people.sessions)
    purchases = {
        day: [event["revenue"] for event in of_day if event["event_action"] == "purchase"]
        for day, of_day in events.items()
    }
    return {
        "records": {day: rounded(raw[day], 4) for day in accounts},
        "reject_share": {day: ratio(sum(a["rejected"] for a in accounts[day]), raw[day]) for day in accounts},
        "duplicate_share": {
            day: ratio(sum(a["duplicates"] for a in accounts[day]), raw[day]) for day in accounts
        },
        "events": {day: rounded(len(events[day]), 4) for day in events},
        "sessions": {day: rounded(sessions[day], 4) for day in events},
        "revenue": {day: rounded(sum(purchases[day], Decimal(0)), 4) for day in events},
        "score": {day: average([e["data_quality_score"] for e in events[day]], 4) for day in events},
    }
