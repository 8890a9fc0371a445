"""THE RECORDS. The tables, and no behaviour beyond a column's."""
