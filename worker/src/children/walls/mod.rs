//! The walls around a pixel child: what is taken from a process before it sees
//! the first byte of anybody's file, so that a decoder that somebody has taken
//! over can neither reach anything nor use anything up.
//!
//! Most of them the child raises around itself, here. Two, its memory and its
//! CPU time, the worker raises from outside, where no child can move them (see
//! [`bounds`](super::bounds)). Not every kernel has all of them: each says
//! whether it is up, and whoever started the child decides what follows.
//!
//! `RLIMIT_NPROC` is none of them: it counts the processes of a user and not of
//! a process, and not at all where that user is root. That a child starts
//! neither processes nor threads is among the [`calls`].

mod calls;
mod descriptors;
mod files;

use super::{protocol::OUTPUT_BYTES_MAX, socket::DESCRIPTORS};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// One of the walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wall {
    /// No program can give it more rights than it has.
    Privileges,
    /// It holds no descriptor of whoever started the worker.
    Descriptors,
    /// It leaves no core dump. A child without this one does not begin.
    CoreDumps,
    /// It has room for the descriptors of one file, and for no other.
    OpenFiles,
    /// It can write no more than the outputs of one file.
    FileSize,
    /// No path leads anywhere, no network answers.
    Landlock,
    /// Only the system calls that decoders need.
    Seccomp,
    /// So much address space, and no more.
    Memory,
    /// So many seconds on a processor for each file, and no more.
    Cpu,
}

impl Wall {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Privileges,
        Self::Descriptors,
        Self::CoreDumps,
        Self::OpenFiles,
        Self::FileSize,
        Self::Landlock,
        Self::Seccomp,
        Self::Memory,
        Self::Cpu,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privileges => "privileges",
            Self::Descriptors => "descriptors",
            Self::CoreDumps => "core-dumps",
            Self::OpenFiles => "open-files",
            Self::FileSize => "file-size",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
        }
    }

    /// What whoever runs the worker can do to have it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Landlock => {
                "it takes Linux 5.13 with landlock among the security modules (`lsm=` at boot), and, in a container, a \
                 seccomp profile that lets landlock_create_ruleset pass"
            }
            Self::Seccomp => "it takes a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
            Self::Descriptors => "mount /proc for the worker",
            Self::Memory | Self::Cpu => "mount /proc for the worker, and let it call prlimit for its own children",
            Self::Privileges | Self::CoreDumps | Self::OpenFiles | Self::FileSize => {
                "let the worker's processes call prctl and prlimit for themselves"
            }
        }
    }
}

/// How one stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is up; perhaps with a word on how far.
    Up(String),
    /// It is not, for this reason.
    Missing(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(how_far) if how_far.is_empty() => f.write_str("up"),
            Self::Up(how_far) => write!(f, "up: {how_far}"),
            Self::Missing(why) => write!(f, "missing: {why}"),
        }
    }
}

/// How all of them stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls(BTreeMap<Wall, Standing>);

impl Walls {
    pub(super) fn up(&mut self, wall: Wall, how_far: &str) {
        self.0.insert(wall, Standing::Up(how_far.to_owned()));
    }

    /// Notes how the raising of one went: on success with a word or none.
    pub(super) fn note(&mut self, wall: Wall, raised: Result<String, impl fmt::Display>) {
        let standing = match raised {
            Ok(how_far) => Standing::Up(how_far),
            Err(why) => Standing::Missing(why.to_string()),
        };
        self.0.insert(wall, standing);
    }

    /// Each of [`Wall::ALL`]. One of which nothing was said is missing.
    pub fn iter(&self) -> impl Iterator<Item = (Wall, Standing)> + '_ {
        let unsaid = || Standing::Missing("nobody says that it is up".to_owned());
        Wall::ALL.into_iter().map(move |wall| (wall, self.0.get(&wall).cloned().unwrap_or_else(unsaid)))
    }

    /// Those that are missing, with the reason.
    pub fn missing(&self) -> impl Iterator<Item = (Wall, String)> + '_ {
        self.iter().filter_map(|(wall, standing)| match standing {
            Standing::Missing(why) => Some((wall, why)),
            Standing::Up(_) => None,
        })
    }

    /// Says it in the log: once for all that are up, and a warning for each that is not.
    pub(super) fn announce(&self) {
        tracing::info!(walls = %self, "the walls around a pixel child");
        for (wall, why) in self.missing() {
            let (wall, remedy) = (wall.as_str(), wall.remedy());
            tracing::warn!(wall, why, remedy, "a wall around the pixel children is missing");
        }
    }
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (wall, standing)) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match standing {
                Standing::Up(how_far) if how_far.is_empty() => write!(f, "{comma}{}", wall.as_str())?,
                Standing::Up(how_far) => write!(f, "{comma}{} ({how_far})", wall.as_str())?,
                Standing::Missing(why) => write!(f, "{comma}no {}: {why}", wall.as_str())?,
            }
        }
        Ok(())
    }
}

/// Raises all that a process can raise around itself, and says how it went.
/// What needs the system must be done before; the core dumps' limit is.
///
/// Of a process of several threads, only the calling one is behind all of them.
#[must_use]
pub fn raise() -> Walls {
    let none = |()| String::new();
    let limit = |resource, most| {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map(none)
    };
    let mut walls = Walls::default();
    walls.up(Wall::CoreDumps, "");
    walls.note(Wall::Descriptors, descriptors::close_inherited().map(none));
    walls.note(Wall::Privileges, rustix::thread::set_no_new_privs(true).map(none));
    walls.note(Wall::FileSize, limit(Resource::Fsize, OUTPUT_BYTES_MAX));
    walls.note(Wall::Landlock, files::shut_off());
    walls.note(Wall::OpenFiles, limit(Resource::Nofile, STANDARD + DESCRIPTORS as u64));
    // The last one, since it allows nothing of the above.
    walls.note(Wall::Seccomp, calls::allow_only_what_is_needed().map(none));
    walls
}

/// Standard input, output and error.
const STANDARD: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_is_missing() {
        let mut walls = Walls::default();
        walls.up(Wall::Landlock, "ABI 7");
        walls.note(Wall::Cpu, Err::<String, _>("refused"));
        let missing: Vec<_> = walls.missing().collect();
        assert_eq!(missing.len(), Wall::ALL.len() - 1);
        assert!(missing.contains(&(Wall::Cpu, "refused".to_owned())));
        assert!(walls.to_string().contains("landlock (ABI 7), no seccomp: nobody says"), "{walls}");
    }

    #[test]
    fn words_in_a_log_are_those_between_processes() {
        for wall in Wall::ALL {
            assert_eq!(serde_json::to_value(wall).unwrap(), wall.as_str());
        }
    }
}
