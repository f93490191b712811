"""The verbs of CNI SPEC section 2, and the operator's: the order of steps in each, and what undoes them."""
