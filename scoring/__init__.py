"""THE ARITHMETIC. Rubrics, ledgers and scores: pure and exact."""
