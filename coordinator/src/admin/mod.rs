//! What operators look at and do, from outside of rooms: for the API, the dashboard
//! and the command line alike.

mod command;
pub mod doctor;
pub(crate) mod job;
mod lane;
pub(crate) mod orphan;
pub(crate) mod overview;
pub(crate) mod purge;
pub mod queue;
mod room;
mod rotate;
mod said;
pub mod store;
mod voice;
pub(crate) mod worker;

pub use command::{Command, CommandError, Hands, run};
pub(crate) use job::{Steer, Which, steer};
pub(crate) use lane::set_lanes;
pub(crate) use orphan::remove_orphans;
pub(crate) use overview::{LaneOverview, Lately, Span, lanes_now, lately, newest_first};
pub(crate) use room::{
    Made, Wanted, add_manager, delete_message, delete_room, make_room, remove_manager, would_change_passcode,
};
pub(crate) use rotate::{rewrap, rotate_key, rotate_master};
pub(crate) use said::{at, bytes, lasting};
pub(crate) use worker::{is_alive, steer_workers};

use crate::{
    app::{App, Ids},
    failure::Failure,
    keys::Keyring,
    passcode::Passcodes,
};
use heim_common::{Millis, problem::Code, time::Clock};
use heim_db::{Act, Database};
use heim_runtime::telemetry::chain;
use heim_store::Store;
use voice::Voice;

/// Whoever holds `admin.token`, in the audit.
const TOKEN: &str = "token";

/// What it takes.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) db: &'a Database,
    /// The command line opens it for those commands only that need it.
    pub(crate) store: Option<&'a Store>,
    pub(crate) keys: &'a Keyring,
    pub(crate) passcodes: &'a Passcodes,
    pub(crate) ids: &'a Ids,
    pub(crate) clock: Clock,
    /// Who tells of what was done.
    pub(crate) voice: &'a dyn Voice,
    /// Who does it, for the audit.
    pub(crate) who: &'a str,
}

impl<'a> Tools<'a> {
    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn store(&self) -> Result<&'a Store, Failure> {
        self.store.ok_or_else(|| Failure::with(Code::Unavailable, "this is done where the store is"))
    }

    /// Notes in the audit what is about to be done, does it, and notes to how many it
    /// was done. What cannot be noted is not done.
    pub(crate) async fn audited<T>(
        &self,
        action: &str,
        subject: &str,
        dry_run: bool,
        work: impl Future<Output = Result<(T, u64), Failure>>,
    ) -> Result<T, Failure> {
        let act = Act { who: self.who, action, subject, dry_run };
        // Boxed: transactions are large, and every command has one of these around it.
        let seq = Box::pin(self.db.audit_begin(&act)).await?;
        let (done, affected) = Box::pin(work).await?;
        if let Err(error) = Box::pin(self.db.audit_end(seq, affected)).await {
            tracing::warn!(seq, action, affected, error = chain(&error), "done, and not noted as done in the audit");
        }
        Ok(done)
    }
}

impl App {
    /// The tools of this coordinator.
    pub(crate) fn tools(&self) -> Tools<'_> {
        Tools {
            db: &self.db,
            store: Some(&self.store),
            keys: &self.keys,
            passcodes: &self.passcodes,
            ids: &self.ids,
            clock: self.clock,
            voice: self,
            who: TOKEN,
        }
    }
}
