#!/bin/bash
# What the image does before mysqld: a new data folder gets its administrator from a server that nobody else can reach.
set -euo pipefail
[[ ${1-} != -* ]] || set -- mysqld "$@"
[[ ${1-} == mysqld ]] || exec "$@"

socket=/var/run/mysqld/mysqld.sock
if [[ $(id -u) == 0 ]]; then
    chown mysql /var/lib/mysql /var/run/mysqld
    exec setpriv --reuid=mysql --regid=mysql --clear-groups "$0" "$@"
fi
if [[ ! -d /var/lib/mysql/mysql ]]; then
    password=${MYSQL_ROOT_PASSWORD:-$(<"${MYSQL_ROOT_PASSWORD_FILE:?no password for root is given}")}
    "$@" --initialize-insecure
    "$@" --skip-networking --socket="$socket" &
    until mysqladmin --socket="$socket" --user=root --silent ping; do kill -0 $! && sleep 0.2; done
    mysql --socket="$socket" --user=root <<SQL
SET sql_log_bin = 0;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$password';
CREATE USER 'root'@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
SQL
    MYSQL_PWD=$password mysqladmin --socket="$socket" --user=root shutdown
    wait
fi
exec "$@"
