"""Loaders: bring objects of web events to raw Iceberg tables, verbatim, each object version once."""
