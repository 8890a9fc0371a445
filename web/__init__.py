"""The pages and the API: parse, call one service, answer. Only here and in `cli` is HTTP known."""
