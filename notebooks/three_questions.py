"""Three questions to the lakehouse, as a notebook: `make notebook`."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import subprocess
    from pathlib import Path

    import duckdb
    import marimo as mo

    # DuckDB reads the lakehouse as `lake`, and can't write to it.
    root = Path(__file__).resolve().parents[1]
    python = root / ".venv" / "bin" / "python"
    connection = duckdb.connect()
    connection.execute(subprocess.check_output([python, "-m", "loaders", "connect"], cwd=root, text=True))
    return connection, mo


@app.cell
def _(mo):
    mo.md("""
    # Three questions
    Every cell is SQL on `lake`; `make docs` says what the columns mean. Change one, and what follows from it
    runs again.

    ## When do visitors come, and how long do they stay?
    """)
    return


@app.cell
def _(connection, mo):
    days = connection.sql("""
        select
            session_date,
            count(*) as sessions,
            count(distinct visitor_id) as visitors,
            round(avg(duration_seconds) / 60, 1) as minutes,
            round(avg(case when is_converted then 1.0 else 0.0 end), 4) as conversion_rate
        from lake.analytics.fct_sessions
        group by session_date
        order by session_date
    """).to_arrow_table()
    mo.ui.table(days)
    return


@app.cell
def _(mo):
    mo.md("""
    ## Which products are looked at but not bought?
    """)
    return


@app.cell
def _(connection, mo):
    products = connection.sql("""
        select products.name, funnel.category, funnel.views, funnel.add_to_carts, funnel.purchases
        from lake.analytics.conversion_funnel as funnel
        left join lake.analytics.dim_products as products on funnel.product_id = products.product_id
        order by funnel.views desc, funnel.purchases
        limit 20
    """).to_arrow_table()
    mo.ui.table(products)
    return


@app.cell
def _(mo):
    mo.md("""
    ## What was rejected, and where does it come from?
    """)
    return


@app.cell
def _(connection, mo):
    rejected = connection.sql("""
        select rejection_reason, source, count(*) as records, min(source_uri) as for_instance
        from lake.analytics.rejected_events
        group by rejection_reason, source
        order by records desc
    """).to_arrow_table()
    mo.ui.table(rejected)
    return


if __name__ == "__main__":
    app.run()
