//! The object store: where the bytes of media objects are kept, and the only
//! crate that names `object_store`.
//!
//! It streams objects in and out under an [`ObjectKey`](heim_common::key::ObjectKey),
//! with bounded memory, and says what it stored. It knows neither rows nor
//! rooms, and it keeps no attributes of an object: content types and digests
//! belong to the database.
//!
//! Promises:
//! * What [`Writer::finish`] or [`Store::put`] has accepted is on disk: the
//!   file and the folders that lead to it are synced before they return.
//! * An object appears whole or not at all.
//! * A write that is not finished leaves nothing behind, unless the process is
//!   killed; then a file `{key}#{number}` stays, which no reader ever sees.
//! * The `Display` of an error never carries a path of the machine. Its source
//!   may: that is for the operator's log alone.

mod body;
mod config;
mod error;
mod local;
mod store;
mod writer;

pub use body::Body;
pub use config::StoreConfig;
pub use error::StoreError;
pub use store::Store;
pub use writer::{Writer, Written};
