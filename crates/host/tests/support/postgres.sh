#!/bin/sh
# Runs a PostgreSQL server for the tests, and ends it when no test process has used it for a while.
# $1: an empty folder of its own, $2: the folder of PostgreSQL's programs.
#
# Each test process holds the FIFO `users` open. When all have closed it, `cat` ends, and new ones may still come for
# ten seconds. Then the FIFO is taken away, so that none can come, and whoever came in between is waited for after all.
cd "$1" || exit 1
"$2/initdb" -D data -A trust -U tests -E UTF8 --locale=C --no-sync || exit 1
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
    -c max_connections=300 -c shared_buffers=32MB -c log_min_messages=error &
server=$!
until "$2/pg_isready" -q -h "$1"; do
    kill -0 "$server" || exit 1
    sleep 0.05
done
mkfifo -m 666 making && mv making users
while :; do
    cat users >/dev/null
    timeout 10 sh -c ': <users' && continue
    mv users gone
    timeout 0.2 sh -c ': <gone' || break
    mv gone users
done
kill -INT "$server"
wait "$server"
rm -rf "$1"
