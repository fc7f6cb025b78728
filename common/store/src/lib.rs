//! The object store: where the bytes of media objects are kept, and the only
//! crate that names `object_store`.
//!
//! It streams objects in and out under an [`ObjectKey`](heim_common::key::ObjectKey),
//! with bounded memory, and says what it stored. It knows neither rows nor
//! rooms, and it keeps no attributes of an object: content types and digests
//! belong to the database.
//!
//! Every call says whether the object is encrypted: with `Some` secret it is
//! written and read in the form that the module `sealed` documents, with `None`
//! as it is.
//!
//! Promises:
//! * What [`Writer::finish`] or [`Store::put`] has accepted is on disk: the
//!   file and the folders that lead to it are synced before they return. Of an
//!   S3 server, it is what the server calls stored.
//! * An object appears whole or not at all.
//! * A write that is not finished leaves nothing behind, unless the process is
//!   killed or the server is away; then a file `{key}#{number}` or an upload in
//!   parts stays, which no reader ever sees ([`Store::leftovers`]).
//! * Keys in a file may change at any time: no call fails for that.
//! * With a fallback, what is in neither of two stores is missing, and what is
//!   deleted is in neither; written is only to the first.
//! * A call to an S3 server ends in time: a failed request is tried again for
//!   `store.retry_ms` and no longer. A write of which no answer came may have
//!   been carried out all the same.
//! * Of an encrypted object, only ciphertext comes to the disk, unfinished or
//!   not; and no byte is given out that was not written under the same key
//!   and secret. What was changed is [`StoreError::Tampered`].
//! * The `Display` of an error never carries a path of the machine. Its source
//!   may: that is for the operator's log alone.

mod body;
mod bucket;
mod config;
mod disk;
mod error;
mod examine;
mod gathering;
mod leftover;
mod local;
mod moving;
mod opened;
mod sealed;
mod store;
mod stored;
mod writer;

pub use body::Body;
pub use bucket::{Presented, Presigned};
pub use config::{CredentialSource, ServerSideEncryption, StoreConfig};
pub use error::StoreError;
pub use examine::examine;
pub use leftover::Leftover;
pub use moving::{Movable, Moved, Moving, NotMoved, Trial};
pub use store::Store;
pub use writer::{Writer, Written};
