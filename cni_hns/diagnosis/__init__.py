"""What is taken off a node for others to look at: a bundle, a packet trace, metrics.

Rule 1: nothing here waits for ever: what is read has its own time, and what did not answer is recorded.
Rule 2: a document of another program is kept by the members that are known; of all others the name and the
length. What is text is searched for passwords and tokens, and those are masked.
Rule 3: names are other programs' too: in a page and in a table they can forge nothing.
Rule 4: no verb loads this.
"""
