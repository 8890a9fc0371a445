"""THE RULES. What may happen next, to whom and by whom: pure Python without database, clock or network."""
