"""The local lakehouse: an S3 store and an Iceberg REST catalog in one process on loopback."""
