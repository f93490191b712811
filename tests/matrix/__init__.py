"""Every call, every way: one fault at each point of each verb, one recovery, and nothing may be left.

python -m tests.matrix [--sample N] [--seed N] [--list] [--only TEXT] [--jobs N] [--packaging windows]

cases      the axes, and the table that they make
scenes     the configurations
node       a node with its pods, made once for each scene and verb, and copied for each case
faults     what can go wrong, at which point, in words
ledger, files, children, processes
           how it is made to go wrong, inside the process that runs the verb
trial      one case from beginning to end
oracle     what must be true at its end
"""
