//! What the database could not do, and whether it may do it soon.

use crate::cause::Cause;

/// What was attempted when the database failed. The cause is its source.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The configuration's `database.url` names nothing that can be opened.
    #[error("database.url: {0}")]
    Url(&'static str),
    /// Opening the database.
    #[error("could not connect to the database")]
    Connect(#[source] Cause),
    /// Applying or listing migrations.
    #[error("could not migrate the database")]
    Migrate(#[source] Cause),
    /// Reading the clock, or writing to see whether writing works.
    #[error("could not probe the database")]
    Probe(#[source] Cause),
    /// Leasing, renewing or releasing a worker number.
    #[error("could not lease a worker number")]
    LeaseNumber(#[source] Cause),
    /// Opening, finding or listing rooms.
    #[error("could not open a room")]
    OpenRoom(#[source] Cause),
    /// Changing or deleting a room, or who manages it.
    #[error("could not change a room")]
    ChangeRoom(#[source] Cause),
    /// Keeping the keys of rooms, or bringing something under another key.
    #[error("could not keep the keys of a room")]
    KeepKeys(#[source] Cause),
    /// Writing or reading sessions and nicks.
    #[error("could not keep the sessions of a room")]
    KeepSessions(#[source] Cause),
    /// Storing a message.
    #[error("could not store a message")]
    SendMessage(#[source] Cause),
    /// Changing a message.
    #[error("could not change a message")]
    EditMessage(#[source] Cause),
    /// Reading messages.
    #[error("could not read messages")]
    ReadMessages(#[source] Cause),
    /// Creating a media object.
    #[error("could not create a media object")]
    CreateMedia(#[source] Cause),
    /// Reading media objects.
    #[error("could not read a media object")]
    ReadMedia(#[source] Cause),
    /// Committing an upload.
    #[error("could not commit an upload")]
    CommitUpload(#[source] Cause),
    /// Registering a transcoding.
    #[error("could not register a transcoding")]
    Register(#[source] Cause),
    /// Claiming a job or renewing its lease.
    #[error("could not claim a job")]
    Claim(#[source] Cause),
    /// Ending an attempt.
    #[error("could not end the attempt of a job")]
    Finish(#[source] Cause),
    /// Finding jobs to dispatch, or counting them.
    #[error("could not dispatch jobs")]
    Dispatch(#[source] Cause),
    /// Reading or trimming events.
    #[error("could not read events")]
    ReadEvents(#[source] Cause),
    /// Removing what nobody needs.
    #[error("could not sweep")]
    Sweep(#[source] Cause),
    /// Answering an operator.
    #[error("could not look at what an operator asks for")]
    Inspect(#[source] Cause),
    /// Carrying out what an operator wants.
    #[error("could not do what an operator wants")]
    Steer(#[source] Cause),
}

impl DbError {
    /// Whether the same call may succeed in a moment: the database cannot be
    /// reached, is overloaded, starting, full or read-only. To be answered by
    /// 503 with `Retry-After`; everything else is a fault of ours.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.cause().is_some_and(Cause::is_unavailable)
    }

    /// Whether the database has no room left for what was to be written.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cause().is_some_and(Cause::is_full)
    }

    /// Whether the database can be read and not be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.cause().is_some_and(Cause::is_read_only)
    }

    /// Whether a row holds what this release cannot read: a later one wrote it.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.cause().is_some_and(Cause::is_unreadable)
    }

    fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Url(_) => None,
            Self::Connect(cause)
            | Self::Migrate(cause)
            | Self::Probe(cause)
            | Self::LeaseNumber(cause)
            | Self::OpenRoom(cause)
            | Self::ChangeRoom(cause)
            | Self::KeepKeys(cause)
            | Self::KeepSessions(cause)
            | Self::SendMessage(cause)
            | Self::EditMessage(cause)
            | Self::ReadMessages(cause)
            | Self::CreateMedia(cause)
            | Self::ReadMedia(cause)
            | Self::CommitUpload(cause)
            | Self::Register(cause)
            | Self::Claim(cause)
            | Self::Finish(cause)
            | Self::Dispatch(cause)
            | Self::ReadEvents(cause)
            | Self::Sweep(cause)
            | Self::Inspect(cause)
            | Self::Steer(cause) => Some(cause),
        }
    }
}
