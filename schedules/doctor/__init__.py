"""`kabarkota doctor`: looks whether an installation can work, and says what to do where it cannot.

check          what a look finds
setup          configuration, the data folder, the operator's files
database       the file, its schema and contents, who writes
machine        SQLite, libraries, time zones, clock
cluster        the PostgreSQL between store node and workers
network        names, connections, certificates, and what other clocks show
examination    all of them, in order
"""
