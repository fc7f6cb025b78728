//! A disk of a few megabytes, which a test fills and frees: a tmpfs of its own.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

const FILLER: &str = "filler";

/// A mounted file system. Dropping it takes it away.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// An empty one of this size.
    ///
    /// # Panics
    /// If this is not root, who alone may mount.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("heim-disk-").tempdir().expect("a temp folder can be made").keep();
        let mount = ["-t", "tmpfs", "-o", &format!("size={bytes}"), "heim-tests"];
        let mounted = Command::new("mount").args(mount).arg(&folder).status().expect("`mount` is there");
        assert!(mounted.success(), "a test of full disks mounts one of its own: it has to run as root");
        Self { folder }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Leaves no room on it.
    ///
    /// # Panics
    /// If it is filled already.
    pub fn fill(&self) {
        let mut filler = File::create(self.folder.join(FILLER)).expect("it was freed");
        for size in [1 << 20, 4 << 10, 1] {
            let chunk = vec![0; size];
            while filler.write_all(&chunk).is_ok() {}
        }
    }

    /// Leaves so many bytes on it, and no more than a page above.
    ///
    /// # Panics
    /// If it is filled already.
    pub fn fill_but(&self, bytes: u64) {
        self.fill();
        let filler = File::options().write(true).open(self.folder.join(FILLER)).expect("it was made just now");
        let size = filler.metadata().expect("it is there").len();
        filler.set_len(size.saturating_sub(bytes)).expect("a file can be cut");
    }

    /// Lets nobody write to it, or everybody again.
    ///
    /// # Panics
    /// If somebody has a file open there to write to it.
    pub fn read_only(&self, is: bool) {
        let mode = if is { "remount,ro" } else { "remount,rw" };
        let mounted = Command::new("mount").args(["-o", mode]).arg(&self.folder).status().expect("`mount` is there");
        assert!(mounted.success(), "{mode}");
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// If it is not filled.
    pub fn free(&self) {
        fs::remove_file(self.folder.join(FILLER)).expect("it is filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it until it is closed.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
        let _ = fs::remove_dir(&self.folder);
    }
}
