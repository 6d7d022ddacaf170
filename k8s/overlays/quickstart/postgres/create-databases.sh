#!/bin/sh
# Runs once, when the data directory is new: a database and a role a service. A role owns its database and can
# connect to no other. Its password is the text of a secret file.
set -eu

create() {
  psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set name="warren_$1" --set password="$(cat "/run/secrets/$1-database-password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

create user
create payment
create notification
