//! A dbt project in a folder of its own on a database of its own, worked on through the real program.
