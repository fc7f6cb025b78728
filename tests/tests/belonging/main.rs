//! What belongs to a room, and who belongs to it: who is shown what of a media
//! object and how often, private rooms and their keys, handles, what is deleted,
//! and who is there.

mod closing;
mod command_line;
mod deletion;
mod handles;
mod interleavings;
mod keys;
mod links;
mod lobby;
mod making;
mod presence;
mod sealed;
mod vault;
