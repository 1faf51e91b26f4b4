# Keeps one shared app-server: starts it, and stops it when there was no client for the idle time.
#
#   sh keeper FOLDER IDLE_SECONDS LOG_BYTES PROGRAM ARGUMENT...
#
# A client holds the FIFO FOLDER/clients open for writing as long as it lives, and writes a line when it opens it. The
# kernel closes the FIFO for a client that is killed as well. The watcher below is the only reader, so that opening the
# FIFO without waiting fails once the watcher is gone. The script needs a POSIX shell and a process group of its own.

folder=$1 idle=$2 log_bytes=$3 log=$1/../log
shift 3
trap '' HUP

# Says which process runs this, so that a program can continue it if it was stopped.
sign() {
    /bin/sh -c 'echo "$PPID"' >>"$folder/keepers"
}

# Removes the files of this server, and ends what is left of its processes, this script included.
finish() {
    for name in opening clients closed left socket pid keepers keeper; do
        rm -f "$folder/$name"
    done
    rmdir "$folder"
    kill -s KILL 0
}

stop() {
    kill -s TERM "$server"
    for _ in 1 2 3 4 5; do
        kill -0 "$server" 2>/dev/null || break
        sleep 1
    done
    kill -s KILL "$server" 2>/dev/null
    finish
}

watch() {
    sign
    while :; do
        sleep "$idle" 3<&-
        # Reads what clients have written. With a client there, the end of the FIFO comes when the last one is gone.
        [ "$(wc -c <&3)" -gt 0 ] && continue
        # No client was there for the whole time. From here on none can come; but one may have come just now. Then the
        # second reading does not end at once, or finds its line.
        # Where that fails the folder was removed, perhaps with the home: no client comes any more.
        mv "$folder/clients" "$folder/closed" || stop
        wc -c <&3 >"$folder/left" &
        sleep 1 3<&-
        count=
        read -r count <"$folder/left"
        [ "${count:-1}" -eq 0 ] && stop
        mv "$folder/closed" "$folder/clients"
        wait $!
    done
}

# The server appends to the log, so that it goes on at the beginning of a log that was emptied.
trim() {
    while sleep 5 && [ -e "$log" ]; do
        [ "$(wc -c <"$log")" -gt "$log_bytes" ] && cp "$log" "$log.old" && : >"$log"
    done
}

keep() {
    sign
    # The server writes its own number before it becomes what it is, so that it is known however early this script dies.
    /bin/sh -c 'echo "$$" >"$0/pid" && exec "$@"' "$folder" "$@" </dev/null &
    server=$!
    # After the server was started, which shall have the PATH that it was given.
    PATH=$PATH:/usr/bin:/bin
    mkfifo -m 600 "$folder/opening" || stop
    # Opening for reading alone would wait for a writer.
    exec 4<>"$folder/opening" 3<"$folder/opening"
    exec 4<&-
    mv "$folder/opening" "$folder/clients"
    watch &
    exec 3<&-
    trim &
    wait "$server"
    echo "the shared app-server ended with status $?" >&2
    finish
}

keep "$@" &
