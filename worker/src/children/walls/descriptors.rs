//! No inherited descriptors. Rust opens everything close-on-exec, but whoever
//! started the worker may not have: `make` leaves its job server open, a
//! supervisor its sockets.

use std::{fs, io, os::fd::RawFd};

/// Closes all but the three standard ones. A child calls it before it has opened
/// anything, so that nothing in it still counts on one of them.
pub(super) fn close_inherited() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        open.extend(number.filter(|number| *number > 2));
    }
    for number in open {
        match nix::unistd::close(number) {
            // Bad is that of the listing itself, which is closed by now.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
