//! The life of a media object, a step a file. No HTTP and no sockets here.

pub(crate) mod attempt;
pub(crate) mod create;
pub(crate) mod register;
pub(crate) mod upload;
