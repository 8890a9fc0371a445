#!/bin/sh
# Says whether Redis answers to its password.
set -eu
REDISCLI_AUTH="$(head -n 1 "${PASSWORD_FILE:-/run/secrets/broker_password}")" redis-cli ping | grep -q PONG
