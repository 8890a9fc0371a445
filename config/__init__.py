"""THE WIRING. Settings are read here and nowhere else, and parts are put together."""
