//! One pixel child as a process: how it is started, and how it is got rid of.

use super::{
    bounds::{allow_cpu, bound_memory},
    last_words::{Death, LastWords},
    meter::Meter,
    protocol::Report,
    socket::{ReceiveError, pair, receive, wait},
    walls::{Wall, Walls},
};
use crate::{config::PixelsConfig, measures};
use rustix::{
    event::{PollFd, PollFlags},
    process::Pid,
};
use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a child may take from `exec` to its first word.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// What is started as a child.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl ChildCommand {
    /// The running binary, also when its file has been replaced by a deploy:
    /// both ends of the socket are always of the same build.
    #[must_use]
    pub fn this_binary() -> Self {
        Self { program: "/proc/self/exe".into(), args: vec![super::PIXEL_CHILD_ARG.into()] }
    }
}

/// Why there is no child.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No socket pair.
    #[error("opening a socket pair for a pixel child")]
    Socket(#[source] io::Error),
    /// The process could not be made.
    #[error("starting a pixel child")]
    Spawn(#[source] io::Error),
    /// It ended before it said that it is ready.
    #[error("a pixel child ended before it was ready: {0}")]
    Ended(Death),
    /// It lacks what the configuration asks for.
    #[error(
        "the wall `{}` around a pixel child is missing: {why}; {}, or let pixels.require_sandbox be false and go without",
        wall.as_str(),
        wall.remedy()
    )]
    Open {
        /// Which wall.
        wall: Wall,
        /// Why it is not there.
        why: String,
    },
    /// It said something else, or nothing.
    #[error("a pixel child did not get ready")]
    NotReady,
}

/// A child that waits for a file or works on one. Dropping it kills it.
#[derive(Debug)]
pub(super) struct PixelChild {
    process: Child,
    socket: OwnedFd,
    words: LastWords,
    /// What is around it.
    pub(super) walls: Walls,
    /// How many files it was given.
    pub(super) files: u32,
    /// On which terms it works.
    pub(super) pixels: PixelsConfig,
}

impl PixelChild {
    /// Starts a child and waits until it is ready, so that whatever goes wrong
    /// on the way is never laid at the door of a user's file.
    ///
    /// The calling thread must outlive the child: the kernel kills the child
    /// when the *thread* that started it ends.
    pub(super) fn start(command: &ChildCommand, pixels: &PixelsConfig) -> Result<Self, StartError> {
        let (ours, theirs) = pair().map_err(StartError::Socket)?;
        let words = LastWords::new().map_err(StartError::Spawn)?;
        // Rust opens every descriptor close-on-exec, so the child holds its
        // three standard ones and nothing else of this process. (What whoever
        // started this process left open without that flag, it left open for
        // the child too, which closes it first thing.) A group of its own keeps
        // the child out of reach of a Ctrl-C or a supervisor's signal to the
        // worker's group, which would cost running jobs their shutdown grace.
        let process = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(words.ear().map_err(StartError::Spawn)?)
            .process_group(0)
            .spawn()
            .map_err(StartError::Spawn)?;
        measures::child_started();
        let mut child = Self { process, socket: ours, words, walls: Walls::default(), files: 0, pixels: *pixels };
        child.walls = child.wait_until_ready()?;
        child.walls.note(Wall::Memory, bound_memory(child.pid(), pixels.address_space_bytes).map(|()| String::new()));
        child.walls.note(Wall::Cpu, allow_cpu(child.pid(), pixels.cpu_s).map(|()| String::new()));
        if let Some((wall, why)) = child.walls.missing().next().filter(|_| pixels.require_sandbox) {
            return Err(StartError::Open { wall, why });
        }
        Ok(child)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Counts a file, and gives the child its CPU time.
    pub(super) fn begin_file(&mut self) {
        self.files += 1;
        // Where that cannot be done, the wall is missing, and that was said. A
        // child that has died meanwhile is found out when it is spoken to.
        let _ = allow_cpu(self.pid(), self.pixels.cpu_s);
    }

    fn wait_until_ready(&mut self) -> Result<Walls, StartError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            let socket = self.socket();
            let mut fds = [PollFd::new(&socket, PollFlags::IN)];
            wait(&mut fds, Some(left)).map_err(StartError::Socket)?;
            if fds[0].revents().is_empty() {
                continue;
            }
            return match self.receive() {
                Ok(Some(Report::Ready { walls })) => Ok(walls),
                Ok(None) | Err(ReceiveError::Unheard) => {
                    Err(StartError::Ended(self.kill().map_err(StartError::Spawn)?))
                }
                _ => Err(StartError::NotReady),
            };
        }
        Err(StartError::NotReady)
    }

    /// Begins to count what it takes.
    pub(super) fn meter(&self) -> Meter {
        Meter::start(self.process.id())
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn receive(&self) -> Result<Option<Report>, ReceiveError> {
        receive(self.socket())
    }

    /// Ends the process and takes its exit status, so that no zombie stays. A
    /// child that had died before keeps the status that it died with.
    pub(super) fn kill(&mut self) -> io::Result<Death> {
        self.process.kill()?;
        Ok(self.words.of(self.process.wait()?))
    }
}

impl Drop for PixelChild {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(error = &error as &dyn std::error::Error, "a pixel child could not be reaped");
        }
    }
}
