//! The database is away, refuses, is crowded, full, or killed.

mod away;
mod cancelled;
mod crowded;
mod every_route;
mod lost_answer;
mod routes;
mod silent;
mod sqlite;
