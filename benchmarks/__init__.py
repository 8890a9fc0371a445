"""How near the product is to the floor: the same work by the product and by the bare driver, side by side.

`python3 run.py bench [NAME ...]` runs it. A subject is the product as it ships. A floor is a fixed list of statements
sent by the bare driver, in `benchmarks.floors`, which imports nothing of the product. Both start from copies of one
database, take turns, and must leave the same rows.
"""
