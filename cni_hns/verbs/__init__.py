"""The verbs of CNI SPEC section 2, and the operator's: each file is its steps in order and what undoes them."""
