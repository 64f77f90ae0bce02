"""The schema as analysts see it: the views, what every column means, and what values are called.

`views/*.sql` are the public interface: a view keeps its name and its columns, with their meaning, within a version of
VERSION's first number. The writer puts views, descriptions and names into the database whenever they are others than
those in it, so they are no migrations. Tables are described by the comments in their own DDL, views by those in theirs;
what a plain column means is told once, in columns.toml.
"""

VERSION = "1.0"  # of the views; the second number grows with each new view or column
