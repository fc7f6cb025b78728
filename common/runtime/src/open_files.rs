//! Each connection is an open file, and so are a database's and a store's.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;

/// More than anybody needs; a limit of billions is no limit to reckon with.
const ENOUGH: u64 = 1 << 20;
/// What is kept for all that is no connection, as far as half of the limit.
const BESIDES: u64 = 512;

/// Raises this process's limit of open files as far as it may, and returns it.
/// Most systems start processes with 1024, and let them have many more.
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    match current {
        Some(current) if current < wanted => {
            match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
                Ok(()) => wanted,
                Err(error) => {
                    tracing::warn!(%error, current, "cannot raise the limit of open files");
                    current
                }
            }
        }
        current => current.unwrap_or(ENOUGH),
    }
}

/// How many of so many open files may be connections: the others are for what
/// answers them.
#[must_use]
pub fn for_connections(open_files: u64) -> usize {
    usize::try_from(open_files - BESIDES.min(open_files / 2)).unwrap_or(usize::MAX)
}

/// An open file that is given up when there is no other left, so that somebody
/// can still be told so.
#[derive(Debug)]
pub(crate) struct Spare(Option<File>);

impl Default for Spare {
    fn default() -> Self {
        Self(File::open("/dev/null").ok())
    }
}

impl Spare {
    /// Gives it up for as long as `work` takes.
    pub(crate) async fn lend(&mut self, work: impl Future<Output = ()>) {
        self.0 = None;
        work.await;
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_kept() {
        assert_eq!(for_connections(20_000), 19_488);
        assert_eq!(for_connections(256), 128);
    }

    #[test]
    fn the_limit_is_raised_once() {
        assert_eq!(raise(), raise());
    }
}
