"""The pages: a module each, with a `router` of handlers that parse, call one service and answer."""
