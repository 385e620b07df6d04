"""Cohorts against pandas, customers against lifetimes and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from peers import summary_data_from_transaction_data
from warehouse import Warehouse

# The variables retention_days and cohort_analysis_days.
RETENTION_DAYS = 30
COHORT_ANALYSIS_DAYS = 28

VISITS = """
    select distinct
        events.visitor_id,
        coalesce(events.user_id, visitors.person_id) as person_id,
        events.event_date
    from lake.analytics.fct_web_events as events
    inner join lake.analytics.dim_visitors as visitors on events.visitor_id = visitors.visitor_id
    where not events.is_bot
"""


def frame(warehouse: Warehouse, query: str) -> pd.DataFrame:
    """The result of a query on the lakehouse."""
    with warehouse.connect() as connection:
        return connection.execute(query).df()


def cohort_table(visits: pd.DataFrame, who: str, period: str, length: int, periods: int) -> pd.DataFrame:
    """The usual recipe: everybody's first period, then a pivot of who came how many periods later.

    Args:
        visits: of the columns `who` and `period`, a date.
        length: days that a period has.
        periods: columns of the pivot.

    Returns:
        Per cohort and number of periods since: how many came, and how many the cohort has.
    """
    cohort = visits.groupby(who)[period].transform("min")
    since = (visits[period] - cohort).dt.days // length
    pivot = visits.assign(cohort=cohort, since=since).pivot_table(
        index="cohort", columns="since", values=who, aggfunc="nunique", fill_value=0
    )
    came = pivot.reindex(columns=range(periods), fill_value=0).stack().rename("retained").reset_index()
    return came.assign(size=came["cohort"].map(pivot[0]))


def assert_cohorts_equal(warehouse: Warehouse) -> None:
    """retention_daily and daily_cohort_analysis against pandas' pivots."""
    visits = frame(warehouse, VISITS)
    last = visits["event_date"].max()

    days = cohort_table(visits, "visitor_id", "event_date", 1, RETENTION_DAYS + 1)
    days = days[days["cohort"] + pd.to_timedelta(days["since"], unit="D") <= last]
    compare_cohorts(
        warehouse, "retention_daily", days, {"cohort": "cohort_date", "since": "days_since_first_visit"}
    )

    visits["week"] = visits["event_date"] - pd.to_timedelta(visits["event_date"].dt.day_of_week, unit="D")
    analyses = []
    for day in pd.date_range(end=last, periods=COHORT_ANALYSIS_DAYS):
        known = visits[visits["event_date"] <= day]
        if not known.empty:
            this_week = day - pd.Timedelta(days=day.day_of_week)
            periods = (this_week - known["week"].min()).days // 7 + 1
            weeks = cohort_table(known, "person_id", "week", 7, periods)
            weeks = weeks[weeks["cohort"] + pd.to_timedelta(7 * weeks["since"], unit="D") <= this_week]
            analyses.append(weeks.assign(day=day))
    key = {"day": "analysis_date", "cohort": "cohort_week", "since": "weeks_since_first_visit"}
    compare_cohorts(warehouse, "daily_cohort_analysis", pd.concat(analyses), key)


def compare_cohorts(
    warehouse: Warehouse, table: str, expected: pd.DataFrame, names_of_key: dict[str, str]
) -> None:
    """Compare sizes of cohorts, who came again, and the rate."""
    # In whole ten-thousandths, half up.
    rate = (expected["retained"] * 20_000 + expected["size"]) // (expected["size"] * 2)
    wanted = (
        expected.assign(rate=rate).set_index(list(names_of_key))[["size", "retained", "rate"]].sort_index()
    )
    ten_thousandths = "cast(retention_rate * 10000 as bigint) as rate"
    found = frame(warehouse, f"select *, {ten_thousandths} from lake.analytics.{table}")
    found = found.set_index(list(names_of_key.values()))[
        ["cohort_size", "retained_users", "rate"]
    ].sort_index()
    assert len(found) > 0, f"{table} is empty"
    assert found.index.tolist() == wanted.index.tolist(), table
    differing = found[(found.to_numpy(int) != wanted.to_numpy(int)).any(axis=1)]
    assert differing.empty, f"{table}:\n{differing}"


def assert_customers_equal(warehouse: Warehouse) -> None:
    """customer_lifetime_value and customer_segments against lifetimes' summary, and pandas' ranks.

    lifetimes joins what a customer buys in one period. Counted by days, its recency runs from the first to
    the last purchase and its T to the last transaction of all. So that it counts orders, those of one day
    get a second of their own each: then frequency, the first one included, is the number of orders, and
    monetary_value their mean.
    """
    transactions = frame(
        warehouse,
        """
        select customer_id, transaction_date, cast(total_amount as double) as amount, status
        from lake.analytics.fct_transactions
        """,
    )
    as_of = transactions["transaction_date"].max()
    completed = transactions[transactions["status"] == "completed"]
    of_day = completed.groupby(["customer_id", "transaction_date"]).cumcount()
    apart = completed.assign(bought_at=completed["transaction_date"] + pd.to_timedelta(of_day, unit="s"))
    by_day = summary_data_from_transaction_data(
        completed, "customer_id", "transaction_date", observation_period_end=as_of
    ).sort_index()
    by_order = summary_data_from_transaction_data(
        apart,
        "customer_id",
        "bought_at",
        "amount",
        observation_period_end=as_of + pd.Timedelta(days=1),
        freq="s",
        include_first_transaction=True,
    ).sort_index()

    values = frame(warehouse, "select * from lake.analytics.customer_lifetime_value order by customer_id")
    assert values["customer_id"].tolist() == by_day.index.tolist() == by_order.index.tolist() != []
    orders, mean = by_order["frequency"].to_numpy(), by_order["monetary_value"].to_numpy()
    assert values["total_orders"].tolist() == orders.tolist()
    assert np.allclose(values["lifetime_value"].astype(float), orders * mean, rtol=0, atol=0.001)
    # Rounded to cents.
    assert np.allclose(values["avg_order_value"].astype(float), mean, rtol=0, atol=0.00501)
    days_between = (values["last_purchase"] - values["first_purchase"]).dt.days
    assert days_between.tolist() == by_day["recency"].tolist()
    assert (as_of - values["first_purchase"]).dt.days.tolist() == by_day["T"].tolist()

    segments = frame(warehouse, "select * from lake.analytics.customer_segments order by customer_id")
    assert segments["customer_id"].tolist() == by_day.index.tolist()
    assert segments["recency_days"].tolist() == (by_day["T"] - by_day["recency"]).tolist()
    assert segments["frequency"].tolist() == orders.tolist()
    assert np.allclose(segments["monetary"].astype(float), orders * mean, rtol=0, atol=0.001)
    for score, value in (("recency", "recency_days"), ("frequency", "frequency"), ("monetary", "monetary")):
        fifths = ((segments[value].rank(method="min") - 1) * 5 // len(segments)).astype(int)
        expected = 5 - fifths if score == "recency" else 1 + fifths
        assert segments[f"{score}_score"].tolist() == expected.tolist(), score
