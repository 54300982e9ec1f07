"""Training: batches, the loop (a generator of steps), the moving average, health and the run folder.

Nothing is imported here, so that the parts that know nothing of torch stay light.
"""
