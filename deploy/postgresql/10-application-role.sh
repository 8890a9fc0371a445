#!/bin/sh
# Runs once, when the database is made: the role of the application, which owns nothing. What it may do to which table
# is granted by `appraise db upgrade`.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=password="$(head -n 1 "${APPLICATION_PASSWORD_FILE:-/run/secrets/database_password}")" <<'SQL'
CREATE ROLE appraise_application LOGIN PASSWORD :'password';
SQL
