//! What changes rooms from outside of them: for the API and for the command
//! line alike.

mod command;
pub mod doctor;
mod lane;
mod room;
mod rotate;

pub use command::{Command, CommandError, run};
pub use lane::{LaneCommand, Lanes};
pub(crate) use room::{Made, Wanted, delete_message, delete_room, make_room};
pub(crate) use rotate::{rewrap, rotate_key, rotate_master};

use crate::{
    app::{App, Ids},
    keys::Keyring,
    passcode::Passcodes,
};
use heim_common::{Millis, time::Clock};
use heim_db::Database;

/// What it takes.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) db: &'a Database,
    pub(crate) keys: &'a Keyring,
    pub(crate) passcodes: &'a Passcodes,
    pub(crate) ids: &'a Ids,
    pub(crate) clock: Clock,
}

impl Tools<'_> {
    fn now(&self) -> Millis {
        (self.clock)()
    }
}

impl App {
    /// The tools of this coordinator.
    pub(crate) fn tools(&self) -> Tools<'_> {
        Tools { db: &self.db, keys: &self.keys, passcodes: &self.passcodes, ids: &self.ids, clock: self.clock }
    }
}
