#!/bin/sh
# Makes the passwords of docker-compose.yml as files in ./secrets, once; those that are there stay as they are.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 711 secrets
for name in database_password database_owner_password broker_password; do
  [ -s "secrets/$name" ] && continue
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "secrets/$name"
  # The services run as different users of their containers and read it there; ./secrets itself shows nobody its list.
  chmod 644 "secrets/$name"
done
printf 'The passwords lie in ./secrets. Keep a copy of that folder apart from the backups.\n'
