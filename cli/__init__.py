"""THE TERMINAL. Each command calls one service and prints what it answers."""
