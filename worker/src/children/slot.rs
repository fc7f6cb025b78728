//! A thread that keeps one child and gives it one file after the other.
//!
//! A thread and not an async job, because the kernel ties a child's life to
//! the thread that started it, and because nothing that the runtime is busy
//! with may delay the killing of a child at its deadline.

use super::{
    attempt::{Attempt, End},
    bell::Bell,
    failure::PixelFailure,
    meter::Spent,
    pool::{PixelWork, Step},
    process::{ChildCommand, PixelChild, StartError},
    socket::wait,
    walls::Walls,
};
use crate::{
    config::PixelsConfig,
    measures::{self, Stage},
};
use heim_common::retry::Backoff;
use rustix::event::{PollFd, PollFlags};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tracing::Span;

/// Between starts of children that die without a file in their hands.
const START_AGAIN: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(10) };

/// A file on its way to a child.
pub(super) struct Order {
    pub(super) work: PixelWork,
    pub(super) steps: mpsc::Sender<Result<Step, PixelFailure>>,
    pub(super) called_off: Arc<AtomicBool>,
    /// Where what the child took is written, before the last step is sent.
    pub(super) spent: Arc<OnceLock<Spent>>,
    /// Of whoever gave it: what is logged meanwhile belongs to that.
    pub(super) span: Span,
    /// Dropped when the slot is free again.
    pub(super) turn: super::pool::Turn,
}

/// What its children are.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) command: ChildCommand,
    pub(super) files_per_child: u32,
    pub(super) pixels: PixelsConfig,
}

/// What the thread owns.
pub(super) struct Slot {
    pub(super) terms: Terms,
    pub(super) inbox: Receiver<Order>,
    pub(super) bell: Bell,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) child: Option<PixelChild>,
    /// Children that died since the last one that was given a file.
    pub(super) idle_deaths: u32,
    pub(super) start_at: Instant,
}

impl Slot {
    /// Starts the first child, and says what is around it.
    pub(super) fn open(
        terms: Terms,
        inbox: Receiver<Order>,
        bell: Bell,
        stopping: Arc<AtomicBool>,
    ) -> Result<(Self, Walls), StartError> {
        let child = PixelChild::start(&terms.command, &terms.pixels)?;
        let (walls, start_at) = (child.walls.clone(), Instant::now());
        Ok((Self { terms, inbox, bell, stopping, child: Some(child), idle_deaths: 0, start_at }, walls))
    }

    /// Works until the pool is gone. The child ends with it.
    pub(super) fn work(mut self) {
        while let Some(order) = self.next_order() {
            self.carry_out(order);
        }
    }

    /// Waits for a file; meanwhile sees to it that there is a child.
    fn next_order(&mut self) -> Option<Order> {
        loop {
            match self.inbox.try_recv() {
                Ok(order) => return Some(order),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if self.child.is_none() && Instant::now() >= self.start_at {
                self.start_child();
            }
            let until_start = self.start_at.saturating_duration_since(Instant::now());
            let mut fds = vec![PollFd::new(&self.bell, PollFlags::IN)];
            let socket = self.child.as_ref().map(PixelChild::socket);
            fds.extend(socket.iter().map(|socket| PollFd::new(socket, PollFlags::IN)));
            let waited = wait(&mut fds, socket.is_none().then_some(until_start));
            let spoke = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
            self.bell.hush();
            if let Err(error) = waited {
                tracing::error!(error = &error as &dyn std::error::Error, "waiting for a pixel child");
                return None;
            }
            if spoke {
                self.lay_off_idle_child();
            }
        }
    }

    /// A child that speaks without a file in its hands has died, or is mad.
    fn lay_off_idle_child(&mut self) {
        if let Some(mut child) = self.child.take() {
            let ended = child.kill().inspect(|death| measures::child_died(death.cause()));
            let status = ended.map_or_else(|error| error.to_string(), |death| death.to_string());
            tracing::warn!(status, "an idle pixel child ended");
            self.start_later();
        }
    }

    fn start_later(&mut self) {
        self.idle_deaths = self.idle_deaths.saturating_add(1);
        // Jitter is for herds; there are only a few slots.
        self.start_at = Instant::now() + START_AGAIN.wait(self.idle_deaths, 1.0);
    }

    fn start_child(&mut self) {
        match PixelChild::start(&self.terms.command, &self.terms.pixels) {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a pixel child could not be started");
                self.start_later();
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        let Order { work, steps, called_off, spent, span, turn } = order;
        let result = span.in_scope(|| self.attempt(&work, &steps, &called_off, &spent));
        // There is room: see `Pool::run`. A job that is gone wants no result.
        let _ = steps.try_send(result);
        drop((steps, work));
        if self.child.as_ref().is_some_and(|child| child.files >= self.terms.files_per_child) {
            self.child = None;
        }
        if self.child.is_none() && !self.stopping.load(Ordering::Acquire) {
            self.start_child();
        }
        drop(turn);
    }

    fn attempt(
        &mut self,
        work: &PixelWork,
        steps: &mpsc::Sender<Result<Step, PixelFailure>>,
        called_off: &AtomicBool,
        spent: &OnceLock<Spent>,
    ) -> Result<Step, PixelFailure> {
        let called_off = || called_off.load(Ordering::Acquire) || self.stopping.load(Ordering::Acquire);
        // A child that was gone before it saw the file is replaced once.
        for _ in 0..2 {
            if called_off() {
                return Err(PixelFailure::CalledOff);
            }
            if self.child.is_none() {
                self.child = PixelChild::start(&self.terms.command, &self.terms.pixels)
                    .inspect_err(|error| tracing::error!(error = error as &dyn std::error::Error, "no pixel child"))
                    .ok();
            }
            let Some(child) = self.child.as_mut() else { return Err(PixelFailure::NotStarted) };
            let meter = child.meter();
            let mut pass_on = |output| steps.try_send(Ok(Step::Output(output))).is_ok();
            let attempt = Attempt { child, work, bell: &self.bell, pass_on: &mut pass_on, called_off: &called_off };
            let begun = Instant::now();
            let end = attempt.run();
            if !matches!(end, End::Untouched) {
                measures::took(Stage::Pixels, begun.elapsed());
                if let Some(taken) = meter.read() {
                    measures::child_took(&taken);
                    let _ = spent.set(taken);
                }
            }
            match end {
                End::Reusable(result) => {
                    self.idle_deaths = 0;
                    return result;
                }
                End::Broken(failure) => {
                    if let Some(cause) = failure.death() {
                        measures::child_died(cause);
                    }
                    self.child = None;
                    return Err(failure);
                }
                End::Untouched => self.child = None,
            }
        }
        Err(PixelFailure::NotStarted)
    }
}
