"""What programs that others wrote for the real service do to it, call by call, against the simulated one."""
