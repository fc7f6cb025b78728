//! No core dumps: a dump of this process, or of a pixel child, would put keys
//! and pictures of private rooms on a disk.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// One byte. That is less than any core file, so none is written. Zero would do
/// for files, but the kernel does not look at it where cores are piped to a
/// handler; one is the value by which it is told not to (`fs/coredump.c`).
const CORE_BYTES: u64 = 1;

/// Forbids core dumps of this process and of all that it starts from now on. Every
/// binary calls it before it has any secret.
///
/// # Errors
/// If the system refuses, which it does to nobody who asks for less.
pub fn forbid_core_dumps() -> io::Result<()> {
    let before = getrlimit(Resource::Core);
    // Whoever has the limit at zero may not raise it, and is as safe as can be.
    let bytes = Some(before.maximum.map_or(CORE_BYTES, |maximum| maximum.min(CORE_BYTES)));
    Ok(setrlimit(Resource::Core, Rlimit { current: bytes, maximum: bytes })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_set_and_may_be_set_again() {
        for _ in 0..2 {
            forbid_core_dumps().unwrap();
            let limit = getrlimit(Resource::Core);
            assert!(limit.current.is_some_and(|bytes| bytes <= CORE_BYTES) && limit.maximum == limit.current);
        }
    }
}
