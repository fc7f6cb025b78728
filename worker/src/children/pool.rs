//! A fixed number of children, each with its thread, and the queue before them.

use super::{
    bell::Bell,
    failure::PixelFailure,
    memory::Original,
    meter::Spent,
    process::{ChildCommand, StartError},
    slot::{Order, Slot, Terms},
    walls::Walls,
};
use crate::config::PixelsConfig;
use bytes::Bytes;
use heim_common::{media::Description, spec::TranscodingSpec};
use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self as threads, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// One file and what to make of it.
#[derive(Debug)]
pub struct PixelWork {
    /// The file.
    pub original: Original,
    /// What to make.
    pub specs: Vec<TranscodingSpec>,
    /// Most pixels that the file may declare.
    pub pixels_max: u64,
    /// Most pixels of all frames of an animation that goes on moving.
    pub animation_pixels_max: u64,
    /// Most frames of it.
    pub animation_frames_max: u32,
    /// Wall time that the pixels may take; waiting for a child is not part of it.
    pub deadline: Duration,
}

/// A transcoding, fresh from the encoder.
#[derive(Clone, Debug)]
pub struct PixelOutput {
    /// Place of its spec in [`PixelWork::specs`].
    pub index: usize,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The file.
    pub bytes: Bytes,
    /// What the decoder found out about the original; with the first output.
    pub description: Option<Description>,
}

/// Progress of a [`Run`].
#[derive(Clone, Debug)]
pub enum Step {
    /// A transcoding is there; more may follow. Smallest first.
    Output(PixelOutput),
    /// All of them were there.
    Done(Description),
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A descriptor or a thread could not be had.
    #[error("starting a thread for a pixel child")]
    Thread(#[source] io::Error),
    /// A child could not be started.
    #[error("starting the pixel children")]
    Child(#[from] StartError),
}

/// The children. Dropping the pool kills and reaps them.
#[derive(Debug)]
pub struct Pool {
    turns: Arc<Turns>,
    desks: Vec<Desk>,
    stopping: Arc<AtomicBool>,
    walls: Walls,
}

/// The pool's end of a slot.
#[derive(Debug)]
struct Desk {
    inbox: Sender<Order>,
    bell: Bell,
    thread: JoinHandle<()>,
}

/// Which slots are free.
#[derive(Debug)]
struct Turns {
    permits: Arc<Semaphore>,
    free: Mutex<Vec<usize>>,
}

/// The right to one slot, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    slot: usize,
    turns: Arc<Turns>,
    // Fields are dropped after `drop` has run: the slot is free by then.
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    async fn next(self: &Arc<Self>) -> Turn {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("this semaphore is never closed");
        let slot = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // The last one freed comes first: its memory is warm.
        let slot = slot.expect("there are as many permits as free slots");
        Turn { slot, turns: Arc::clone(self), _permit: permit }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.slot);
    }
}

impl Pool {
    /// Starts `slots` children; each is replaced after `files_per_child` files, and after
    /// one that failed. Says in the log which walls are around them.
    ///
    /// # Errors
    /// If a thread or a child cannot be started, or a wall is missing that the
    /// configuration asks for.
    pub fn start(
        command: &ChildCommand,
        slots: NonZeroUsize,
        files_per_child: u32,
        pixels: PixelsConfig,
    ) -> Result<Self, PoolError> {
        let terms = Terms { command: command.clone(), files_per_child, pixels };
        let stopping = Arc::new(AtomicBool::new(false));
        let turns = Turns {
            permits: Arc::new(Semaphore::new(slots.get())),
            free: Mutex::new((0..slots.get()).rev().collect()),
        };
        let mut pool =
            Self { turns: Arc::new(turns), desks: Vec::with_capacity(slots.get()), stopping, walls: Walls::default() };
        let mut starts = Vec::with_capacity(slots.get());
        for number in 0..slots.get() {
            starts.push(pool.add_desk(number, terms.clone()).map_err(PoolError::Thread)?);
        }
        for started in starts {
            let lost = |_| PoolError::Thread(io::ErrorKind::BrokenPipe.into());
            pool.walls = started.recv().map_err(lost)??;
        }
        // One kernel and one binary: what is around one is around all.
        pool.walls.announce();
        Ok(pool)
    }

    /// What is around the children.
    #[must_use]
    pub fn walls(&self) -> &Walls {
        &self.walls
    }

    fn add_desk(&mut self, number: usize, terms: Terms) -> io::Result<threads::Receiver<Result<Walls, StartError>>> {
        let (inbox, orders) = threads::channel();
        let (started, start) = threads::sync_channel(1);
        let bell = Bell::new()?;
        let (slot_bell, stopping) = (bell.clone(), Arc::clone(&self.stopping));
        let work = move || match Slot::open(terms, orders, slot_bell, stopping) {
            Ok((slot, walls)) => {
                let _ = started.send(Ok(walls));
                slot.work();
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name(format!("pixels-{number}")).spawn(work)?;
        self.desks.push(Desk { inbox, bell, thread });
        Ok(start)
    }

    /// Waits for a free child and gives it the file. Whoever drops the [`Run`]
    /// before its end calls the work off: the child is killed.
    pub async fn run(&self, work: PixelWork) -> Run {
        let turn = self.turns.next().await;
        let desk = &self.desks[turn.slot];
        // One for each output and one for the end: a slot never waits for
        // whoever reads, so that nothing delays it at a deadline. The bytes
        // are bounded by the size of the output memfd.
        let (sender, steps) = mpsc::channel(work.specs.len() + 1);
        let called_off = Arc::new(AtomicBool::new(false));
        let spent = Arc::new(OnceLock::new());
        let (bell, told) = (desk.bell.clone(), Arc::clone(&spent));
        let run = Run { steps, called_off: Arc::clone(&called_off), spent, bell };
        // If the slot's thread is gone, so is the sender, and the run says so.
        let span = tracing::Span::current();
        let _ = desk.inbox.send(Order { work, steps: sender, called_off, spent: told, span, turn });
        desk.bell.ring();
        run
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        let mut threads = Vec::with_capacity(self.desks.len());
        for Desk { inbox, bell, thread } in self.desks.drain(..) {
            drop(inbox);
            bell.ring();
            threads.push(thread);
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("the thread of a pixel child has panicked");
            }
        }
    }
}

/// A file in work.
#[derive(Debug)]
pub struct Run {
    steps: mpsc::Receiver<Result<Step, PixelFailure>>,
    called_off: Arc<AtomicBool>,
    spent: Arc<OnceLock<Spent>>,
    bell: Bell,
}

impl Run {
    /// What its child took for it: known after the last step, where the kernel
    /// tells it and the child has not died.
    #[must_use]
    pub fn spent(&self) -> Option<Spent> {
        self.spent.get().copied()
    }

    /// What comes next. Not to be called again after [`Step::Done`] or an error.
    ///
    /// # Errors
    /// The work ended badly; what came before it is good all the same.
    pub async fn next(&mut self) -> Result<Step, PixelFailure> {
        self.steps.recv().await.unwrap_or(Err(PixelFailure::NotStarted))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.called_off.store(true, Ordering::Release);
        self.bell.ring();
    }
}
