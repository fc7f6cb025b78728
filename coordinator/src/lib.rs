//! The coordinator: rooms, handles, hooks, events, dispatch.
//!
//! It never decodes a pixel, and keeps nothing between requests that another
//! coordinator beside it would need.

pub mod admin;
mod app;
mod background;
pub mod config;
mod config_file;
mod cookie;
mod dispatch;
mod failure;
mod gauges;
mod handle;
mod keys;
mod lasting;
mod life;
pub mod measures;
mod opened;
mod ops;
mod passcode;
mod readiness;
mod reconcile;
mod retention;
mod rooms;
mod routes;
mod sign;
mod start;
mod view;

pub use config::Settings;
pub use config_file::{ConfigFile, Elsewhere};
pub use start::{Capabilities, KnownWalls, StartError, serve};

/// Every key, with its default, as the binary has it.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");
