//! The database is restarted, away, exhausted or killed in mid-write.
