//! A share of a core, and not more, for one process: so that it is full while the machine
//! is not.

use rustix::process::Pid;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
};

/// Where the kernel's control groups are: of version 2 here, of version 1 in a folder of
/// each controller.
const GROUPS: &str = "/sys/fs/cgroup";
/// How often the share is given anew, in microseconds: as the kernel does by itself. With a
/// tenth of it a coordinator on SQLite was never full, and an upload took a fifth more CPU.
const PERIOD: u32 = 100_000;

/// A control group with a process in it, which goes back to the others when this is dropped.
pub(crate) struct Share {
    parent: PathBuf,
    group: PathBuf,
    process: Pid,
}

impl Share {
    /// Gives a process so many percent of one core.
    ///
    /// # Panics
    /// Where the kernel has no CPU controller, or this is not root: without it, nothing that
    /// is printed would be true.
    pub(crate) fn of(process: Pid, percent: u32) -> Self {
        Self::give(process, percent).unwrap_or_else(|error| {
            panic!("no process can be given {percent} % of a core: it takes root, and control groups in {GROUPS} that can be written to: {error}")
        })
    }

    fn give(process: Pid, percent: u32) -> io::Result<Self> {
        let of_one = Path::new(GROUPS).join("cpu");
        let is_of_two = !of_one.is_dir();
        let parent = if is_of_two { PathBuf::from(GROUPS) } else { of_one };
        let group = parent.join(format!("heim-media-bench-{}", process.as_raw_nonzero()));
        let quota = PERIOD * percent / 100;
        if is_of_two {
            set(&parent.join("cgroup.subtree_control"), "+cpu")?;
        }
        fs::create_dir(&group)?;
        let share = Self { parent, group, process };
        if is_of_two {
            set(&share.group.join("cpu.max"), &format!("{quota} {PERIOD}"))?;
        } else {
            set(&share.group.join("cpu.cfs_period_us"), &PERIOD.to_string())?;
            set(&share.group.join("cpu.cfs_quota_us"), &quota.to_string())?;
        }
        share.put(&share.group)?;
        Ok(share)
    }

    fn put(&self, group: &Path) -> io::Result<()> {
        set(&group.join("cgroup.procs"), &self.process.as_raw_nonzero().to_string())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let returned = self.put(&self.parent).and_then(|()| fs::remove_dir(&self.group));
        // After a failure the process may be gone; what is left is an empty group.
        assert!(returned.is_ok() || thread::panicking(), "{}: {returned:?}", self.group.display());
    }
}

/// A file of the kernel's, which is there or not, and is never made.
fn set(file: &Path, text: &str) -> io::Result<()> {
    fs::File::options().write(true).open(file)?.write_all(text.as_bytes())
}
