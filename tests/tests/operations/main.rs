//! What an operator works with is true: the numbers and their page, the rules,
//! the dashboard.

mod alerts;
mod dashboard;
mod expressions;
mod listed;
mod page;
mod spans;
mod traces;
mod watched;
mod worker;
