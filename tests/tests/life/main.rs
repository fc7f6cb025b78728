//! The life of a media object in one process, with real photos.

mod arriving;
mod downloading;
mod failing;
mod telling;
