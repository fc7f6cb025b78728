//! How a heim-media process starts, reads its configuration, logs, listens and
//! stops. It knows nothing of media.

pub mod body;
pub mod clock;
pub mod config;
mod core_dump;
pub mod crowd;
pub mod disk;
pub mod failpoint;
pub mod finding;
pub mod held;
mod json_lines;
pub mod measure;
pub mod network;
pub mod open_files;
pub mod probe;
pub mod ready;
mod refusal;
pub mod secret;
pub mod server;
pub mod shutdown;
pub mod telemetry;
pub mod traces;

pub use core_dump::forbid_core_dumps;
pub use secret::Secret;
pub use shutdown::Shutdown;
