"""The Container Runtime Interface: what kubelet's runtime on this node knows of its pods.

Rule 1: it only asks. Nothing here changes anything of the runtime's.
Rule 2: HTTP/2 comes from h2, which has no I/O of its own: so a Windows named pipe carries it as a Unix socket
does, and no TCP port opens. What gRPC and protobuf add to it, for four calls without streams, is small.
Rule 3: no verb loads this.
"""
