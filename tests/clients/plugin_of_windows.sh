#!/bin/sh
# Our plugin as containerd on Windows starts it, which is what differs from Linux: containerd itself makes the pod's
# HCN namespace before the pod gets its network, and deletes it afterwards. Here this does it, whatever configuration
# names the plugin. The namespace has the GUID that containerd put into the name of the pod's Linux namespace.
set -eu
program=$CNI_PATH/../program/cni-hns
verb=${CNI_COMMAND:-}
guid=${CNI_NETNS:-}
guid=${guid##*/cni-}

namespace() {
    env -u CNI_COMMAND "$program" namespace "$@" </dev/null >&2
}

case $verb in
ADD) namespace create --id "$guid" ;;
DEL)
    "$program"
    # Without CNI_NETNS the namespace went with an earlier DEL. A runtime deletes it whatever is in it.
    test -z "$guid" || namespace delete "$guid" --force
    exit
    ;;
esac
exec "$program"
