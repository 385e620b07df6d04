"""Who comes for the first time, who comes back, who stays away."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from oracle.event_marts.inputs import Row, Settings
from oracle.event_marts.numbers import days_from, ratio, week_of
from oracle.event_marts.people import People

WEEK = timedelta(days=7)
LONGEST_RETENTION_DAYS = 30


def user_activity(people: People) -> list[Row]:
    first_day = {visitor: min(days) for visitor, days in _days_of_visitors(people).items()}
    events_of = defaultdict(list)
    for event in people.events:
        events_of[event["event_date"]].append(event)
    rows = []
    for day, events in events_of.items():
        visitors = {event["visitor_id"] for event in events}
        new = sum(first_day[visitor] == day for visitor in visitors)
        rows.append(
            {
                "event_date": day,
                "unique_users": len(visitors),
                "unique_sessions": len({event["session_id"] for event in events}),
                "new_users": new,
                "returning_users": len(visitors) - new,
                "unique_persons": len({people.person(event) for event in events}),
            }
        )
    return rows


def daily_cohort_analysis(people: People, settings: Settings) -> list[Row]:
    days_of = _days_of_persons(people)
    if not days_of:
        return []
    cohorts = defaultdict(list)
    for days in days_of.values():
        cohorts[week_of(min(days))].append(days)
    latest = max(max(days) for days in days_of.values())
    rows = []
    for analysis_date in days_from(latest - timedelta(days=settings.cohort_analysis_days - 1), latest):
        for cohort_week, members in cohorts.items():
            seen = [days for days in members if min(days) <= analysis_date]
            if not seen:
                continue
            for k in range((week_of(analysis_date) - cohort_week).days // 7 + 1):
                week = cohort_week + k * WEEK
                retained = sum(
                    any(week_of(day) == week and day <= analysis_date for day in days) for days in seen
                )
                rows.append(
                    {
                        "analysis_date": analysis_date,
                        "cohort_week": cohort_week,
                        "weeks_since_first_visit": k,
                        "cohort_size": len(seen),
                        "retained_users": retained,
                        "retention_rate": ratio(retained, len(seen)),
                    }
                )
    return rows


def retention_daily(people: People) -> list[Row]:
    days_of = _days_of_visitors(people)
    if not days_of:
        return []
    cohorts = defaultdict(list)
    for days in days_of.values():
        cohorts[min(days)].append(days)
    latest = max(max(days) for days in days_of.values())
    rows = []
    for cohort_date, members in cohorts.items():
        for k in range(min(LONGEST_RETENTION_DAYS, (latest - cohort_date).days) + 1):
            retained = sum(cohort_date + timedelta(days=k) in days for days in members)
            rows.append(
                {
                    "cohort_date": cohort_date,
                    "days_since_first_visit": k,
                    "cohort_size": len(members),
                    "retained_users": retained,
                    "retention_rate": ratio(retained, len(members)),
                }
            )
    return rows


def user_lifecycle(people: People) -> list[Row]:
    weeks_of = [{week_of(day) for day in days} for days in _days_of_persons(people).values()]
    if not weeks_of:
        return []
    rows = []
    week, last = min(min(weeks) for weeks in weeks_of), max(max(weeks) for weeks in weeks_of)
    while week <= last:
        row = {"week": week, "new_users": 0, "retained_users": 0, "resurrected_users": 0, "churned_users": 0}
        for weeks in weeks_of:
            was_active_last_week = week - WEEK in weeks
            if week not in weeks:
                row["churned_users"] += was_active_last_week
            elif week == min(weeks):
                row["new_users"] += 1
            elif was_active_last_week:
                row["retained_users"] += 1
            else:
                row["resurrected_users"] += 1
        rows.append(row)
        week += WEEK
    return rows


def stickiness(people: People) -> list[Row]:
    persons_on = defaultdict(set)
    for event in people.events:
        persons_on[event["event_date"]].add(people.person(event))
    if not persons_on:
        return []

    def active(day: date, days: int) -> int:
        """Persons of the days up to this one."""
        window = days_from(day - timedelta(days=days - 1), day)
        return len(set().union(*(persons_on.get(one, ()) for one in window)))

    return [
        {
            "event_date": day,
            "dau": active(day, 1),
            "wau": active(day, 7),
            "mau": active(day, 30),
            "dau_over_mau": ratio(active(day, 1), active(day, 30)),
        }
        for day in days_from(min(persons_on), max(persons_on))
    ]


def _days_of_visitors(people: People) -> dict[str, set[date]]:
    return _days_of(people, lambda event: event["visitor_id"])


def _days_of_persons(people: People) -> dict[str, set[date]]:
    return _days_of(people, people.person)


def _days_of(people: People, who: Callable[[Row], str]) -> dict[str, set[date]]:
    days = defaultdict(set)
    for event in people.events:
        days[who(event)].add(event["event_date"])
    return dict(days)
