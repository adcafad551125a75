"""Storage of records: the tables, the encoding, and what moves records in and out of a file."""
