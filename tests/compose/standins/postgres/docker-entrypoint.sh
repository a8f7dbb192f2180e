#!/bin/bash
# What the image does before postgres: a new data folder, and a first start with the same arguments that nobody can reach.
set -euo pipefail
[[ ${1-} != -* ]] || set -- postgres "$@"
[[ ${1-} == postgres ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    password=${POSTGRES_PASSWORD:-$(<"${POSTGRES_PASSWORD_FILE:?no password for postgres is given}")}
    read -ra arguments <<<"${POSTGRES_INITDB_ARGS-}"
    initdb --username=postgres --pwfile=<(printf '%s\n' "$password") "${arguments[@]}"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -o "$(printf '%q ' "${@:2}" -c listen_addresses=)" -w start
    psql --host=/var/run/postgresql --username=postgres --no-psqlrc --command='SELECT 1' >/dev/null
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
