//! The disk that a file or a folder is on.

use std::{io, path::Path};

/// How large a disk is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What this process may still write.
    pub free: u64,
    /// All of it.
    pub all: u64,
}

/// With less than this, what is to be kept has no room soon.
const ROOM_MIN: u64 = 1 << 20;

impl Disk {
    /// That of a file or a folder, which must be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn of(path: &Path) -> io::Result<Self> {
        let told = rustix::fs::statvfs(path)?;
        Ok(Self { free: told.f_bavail * told.f_frsize, all: told.f_blocks * told.f_frsize })
    }

    /// Whether it is full: the last few small writes may find room on it all the
    /// same.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.free < ROOM_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_a_disk_of_some_size() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(folder.path()).unwrap();
        assert!(disk.free <= disk.all && disk.all > 0, "{disk:?}");
        assert!(Disk::of(&folder.path().join("missing")).is_err());
        assert!(
            Disk { free: ROOM_MIN - 1, all: 1 << 30 }.is_full() && !Disk { free: ROOM_MIN, all: 1 << 30 }.is_full()
        );
    }
}
