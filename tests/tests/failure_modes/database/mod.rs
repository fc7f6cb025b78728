//! The database is away, refuses, is crowded, full, or killed.

mod away;
mod crowded;
mod lost_answer;
mod sqlite;
