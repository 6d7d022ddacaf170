#!/bin/sh
# Runs once, when the data directory is new, and creates a database with two roles for each service that has secret files.
# One role owns the database and migrates it. The service runs as the other, which can connect to no other database and
# gets its rights from the migrations. The secret files hold the passwords.
set -eu

create() {
  psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set name="warren_$1" --set password="$(cat "/run/secrets/$1-database-password")" \
    --set owner="warren_$1_owner" --set owner_password="$(cat "/run/secrets/$1-owner-database-password")" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name";
SQL
}

for file in /run/secrets/*-owner-database-password; do
  create "$(basename "$file" -owner-database-password)"
done
