//! A ledger of what clients asked and what they were told, written down before
//! and after each request, so that it can be held against the rows, the store
//! and every socket at the end, and each client's sockets together: see [`judge`].

pub mod caller;
pub mod crowd;
pub mod judge;
pub mod kept;
pub mod together;

use aws_lc_rs::digest::{SHA256, digest};
use heim_common::{MediaId, MessageId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// A handle was asked for.
    Asked {
        /// On which connection.
        socket: u64,
    },
    /// An upload begins.
    Begun {
        /// By which handle.
        media: MediaId,
        /// Of what.
        sha256: String,
    },
    /// It was answered.
    Answered {
        /// Which.
        media: MediaId,
        /// The status; `None` where nothing came.
        status: Option<u16>,
        /// Whether it was accepted, now or by a request whose answer was lost.
        accepted: bool,
    },
    /// A message was sent, and the answer tells its id.
    Said {
        /// The message.
        message: MessageId,
    },
    /// A client has come into a room.
    Joined {
        /// Which client.
        client: u64,
        /// Which room: always the same.
        room: String,
        /// By which connection.
        socket: u64,
    },
    /// A socket has heard something.
    Heard {
        /// Which connection.
        socket: u64,
        /// Everything.
        packet: Value,
    },
    /// At the end: what a download of the original gave.
    ReadBack {
        /// Of which object.
        media: MediaId,
        /// Its bytes; `None` where there were none.
        sha256: Option<String>,
    },
}

/// The file.
#[derive(Debug)]
pub struct Ledger {
    file: Mutex<File>,
    path: PathBuf,
}

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join("ledger.jsonl");
        let file = File::create(&path).expect("a file can be made in a temp folder");
        Self { file: file.into(), path }
    }

    /// Adds a line, which is on the disk when this returns. What a socket has
    /// heard gets there with the next other line: it is no promise of ours.
    pub fn note(&self, entry: &Entry) {
        let mut line = serde_json::to_vec(entry).expect("entries are JSON");
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).expect("the ledger can be written");
        if !matches!(entry, Entry::Heard { .. }) {
            file.sync_data().expect("the ledger can be synced");
        }
    }

    /// All lines.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let text = fs::read_to_string(&self.path).expect("the ledger can be read");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of ours")).collect()
    }
}

/// In hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}
