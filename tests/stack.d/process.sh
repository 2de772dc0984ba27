# shellcheck shell=bash disable=SC2154 # work comes from the state file tests/stack loads
# Processes and ports. A pid alone is no name: the kernel hands it out again. So a pid is recorded
# together with its start time, and nothing is signalled unless both still agree.

# Prints $1 different free ports. All are held until the last is known. Linux gives bind(0) ports of the
# other parity than it gives to outgoing connections, so a server's port stays free while it is stopped.
free_ports() {
    perl -MIO::Socket::INET -e '
        my @held = map { IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 1) or die "$!\n" } 1 .. shift;
        print join(" ", map { $_->sockport } @held), "\n";' "$1"
}

start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) } # the name in brackets may hold blanks
    awk '$1 != "Z" { print $20; ok = 1 } END { exit !ok }' <<<"$stat"
}

zombie() { grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }

record() { printf '%s %s\n' "$2" "$(start_time "$2")" >"$work/$1.pid"; }

pid_of() { cut -d' ' -f1 "$work/$1.pid"; }

running() {
    local pid started
    [ -f "$work/$1.pid" ] || return 1
    read -r pid started <"$work/$1.pid" || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

# Starts a server in a session of its own, so that Ctrl-C in a terminal stops the tests and not the server
# under them, and without the lock.
launch() {
    local name=$1
    shift
    setsid "$@" </dev/null >>"$work/$name.log" 2>&1 9>&- &
    record "$name" $!
}

wait_gone() {
    local tries=$2
    while running "$1"; do
        [ "$((tries -= 1))" -gt 0 ] || return 1
        sleep 0.05
    done
}

# A PostgreSQL that is killed leaves its children behind for a moment, and they hold its memory: they go too.
kill_hard() {
    local pid child children
    running "$1" || return 0
    pid=$(pid_of "$1")
    children=$(ps -o pid= --ppid "$pid" || true)
    kill -9 "$pid" 2>/dev/null || true
    # shellcheck disable=SC2086
    [ -z "$children" ] || kill -9 $children 2>/dev/null || true
    for child in $pid $children; do
        wait_pid_gone "$child" || { say "$1: pid $child survived kill -9"; return 1; }
    done
}

wait_pid_gone() {
    local tries=200
    while start_time "$1" >/dev/null; do
        [ "$((tries -= 1))" -gt 0 ] || return 1
        sleep 0.05
    done
}

# The data is about to be deleted, so patience is short.
stop_gently() {
    local signal=TERM
    running "$1" || return 0
    [ "$1" != postgres ] || signal=QUIT # its "immediate" stop: ends every connection at once
    kill "-$signal" "$(pid_of "$1")" 2>/dev/null || true
    wait_gone "$1" 100 || kill_hard "$1"
}
