#!/bin/sh
# Runs once, when the data directory is new: a database and a role a service. A role owns its database and can
# connect to no other. Its password comes from WARREN_<SERVICE>_DATABASE_PASSWORD.
set -eu

create() {
  psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set name="warren_$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

create user "$WARREN_USER_DATABASE_PASSWORD"
create payment "$WARREN_PAYMENT_DATABASE_PASSWORD"
create notification "$WARREN_NOTIFICATION_DATABASE_PASSWORD"
