//! The database is away, refuses, is crowded, full, or killed.

mod away;
mod cancelled;
mod crowded;
mod lost_answer;
mod sqlite;
