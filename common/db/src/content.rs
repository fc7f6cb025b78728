//! What a message says: plain in public rooms, sealed in private ones.

use crate::{
    cause::Cause,
    column::{self, Column},
    entity::message,
};
use heim_common::RoomKeyId;
use std::fmt;

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// As it was sent.
    Plain(String),
    /// For whoever has the room's key.
    Sealed(SealedContent),
}

/// What a message of a private room says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedContent {
    /// The room key under which it is sealed.
    pub key: RoomKeyId,
    /// As much of it as clients are shown unless they ask for the whole.
    pub head: Vec<u8>,
    /// What is behind that.
    pub rest: Rest,
}

/// What is behind the head of a long message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    None,
    /// Something that was left where it is. It cannot be stored.
    Unread,
    /// This.
    There(Vec<u8>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people say is not for logs.
        match self {
            Self::Plain(text) => write!(f, "Plain({} bytes)", text.len()),
            Self::Sealed(sealed) => write!(f, "Sealed({}, {} bytes)", sealed.key, sealed.head.len()),
        }
    }
}

/// The columns of a message that hold its content.
pub(crate) struct Columns {
    pub content: String,
    pub sealed: Option<Vec<u8>>,
    pub sealed_rest: Option<Vec<u8>>,
    pub encryption_key_id: Option<i64>,
}

const SEALED: Column = column::of("message", "sealed");

impl Content {
    /// The key that it takes to read it.
    pub(crate) fn key(&self) -> Option<RoomKeyId> {
        match self {
            Self::Plain(_) => None,
            Self::Sealed(sealed) => Some(sealed.key),
        }
    }

    pub(crate) fn write(&self) -> Result<Columns, Cause> {
        match self {
            Self::Plain(text) => {
                Ok(Columns { content: text.clone(), sealed: None, sealed_rest: None, encryption_key_id: None })
            }
            Self::Sealed(sealed) => sealed.write(),
        }
    }

    /// `is_cut`: of the rest the row says only whether there is one.
    pub(crate) fn read(columns: Columns, is_cut: bool) -> Result<Self, Cause> {
        let Columns { content, sealed, sealed_rest, encryption_key_id } = columns;
        let Some(key) = encryption_key_id else { return Ok(Self::Plain(content)) };
        let rest = match sealed_rest {
            None => Rest::None,
            Some(_) if is_cut => Rest::Unread,
            Some(rest) => Rest::There(rest),
        };
        Ok(Self::Sealed(SealedContent { key: RoomKeyId::from_i64(key), head: SEALED.known(sealed)?, rest }))
    }
}

impl SealedContent {
    pub(crate) fn write(&self) -> Result<Columns, Cause> {
        let Self { key, head, rest } = self.clone();
        let sealed_rest = match rest {
            Rest::None => None,
            Rest::There(rest) => Some(rest),
            Rest::Unread => return Err(column::of("message", "sealed_rest").unreadable()),
        };
        Ok(Columns { content: String::new(), sealed: Some(head), sealed_rest, encryption_key_id: Some(key.as_i64()) })
    }
}

impl From<&mut message::Model> for Columns {
    /// Takes them out of a row.
    fn from(row: &mut message::Model) -> Self {
        Self {
            content: std::mem::take(&mut row.content),
            sealed: row.sealed.take(),
            sealed_rest: row.sealed_rest.take(),
            encryption_key_id: row.encryption_key_id,
        }
    }
}
