//! Clients of heim that were written long before media, and that nobody has
//! changed since: `kareliapy` and `doclib` in Python, `euphoria-connection` in
//! JavaScript. They share rooms with people who post pictures, and must notice
//! nothing. Beside them is a client of our own that is as strict as the
//! strictest of heim's.
//!
//! The drivers that start them are in `tests/clients`.

mod bystander;
mod driven;
mod fleet;
mod private;
mod talking;
