#!/bin/sh
# Keeps one containerd in pid and mount namespaces of their own: `containerd_keeper.sh COMMAND...` is their first
# process. What containerd, its shims and runc write to /run and /var/lib nobody else sees; and all of it, with
# every process and mount, ends with this script: when its input ends, whatever became of the tests.
#
# Each line of the input is answered by the same word when it is done:
#     start      containerd, with COMMAND
#     stop       ask it to end, and wait
#     kill       end it, and wait
#     end PID    end another process in here
set -eu
mount -t tmpfs keeper /run
mount -t tmpfs keeper /var/lib
containerd=
while read -r word pid; do
    case $word in
    start)
        "$@" </dev/null >/dev/null &
        containerd=$!
        ;;
    stop)
        kill -TERM "$containerd"
        wait "$containerd" || true
        ;;
    kill)
        kill -KILL "$containerd"
        wait "$containerd" || true
        ;;
    end) kill -KILL "$pid" ;;
    esac
    echo "$word"
done
