//! What operators do from the shell, to a whole fleet: jobs tried again and given up,
//! workers paused and drained, media objects removed for good, and what is told of it.

mod documented;
mod jobs;
mod purging;
mod shell;
mod told;
mod workers;
