#!/bin/sh
# A CNI plugin, the first of a chain, that does what containerd itself does on Windows and not on Linux: it makes the
# pod's HCN namespace before the pod gets its network, and deletes it afterwards. The namespace has the GUID that
# containerd put into the name of the pod's Linux namespace. The result has no interface: it gives the pod nothing.
set -eu
verb=$CNI_COMMAND
unset CNI_COMMAND
guid=${CNI_NETNS##*/cni-}
case $verb in
ADD)
    "$CNI_PATH/cni-hns" namespace create --id "$guid" >&2
    echo '{"cniVersion": "1.0.0"}'
    ;;
DEL)
    # Without CNI_NETNS the namespace went with an earlier DEL. A runtime deletes it whatever is in it.
    test -z "$guid" || "$CNI_PATH/cni-hns" namespace delete "$guid" --force >&2
    ;;
esac
