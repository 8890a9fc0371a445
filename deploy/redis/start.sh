#!/bin/sh
# Starts Redis as `appraise doctor` wants it: with a password, an append-only file, and nothing thrown away.
set -eu
umask 077
config="${REDIS_CONFIG:-/data/appraise.conf}"
{
  printf 'dir %s\n' "${REDIS_DATA:-/data}"
  printf 'port %s\n' "${REDIS_PORT:-6379}"
  printf 'appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\nsave ""\n'
  printf 'requirepass %s\n' "$(head -n 1 "${PASSWORD_FILE:-/run/secrets/broker_password}")"
} > "$config"
exec "${REDIS_SERVER:-redis-server}" "$config"
