"""`quell supervise`: owns the declared processes, changes them on request, and takes them along when it ends."""
