//! Rows of `job`: jobs. `transcodings` is a JSON array of specs; `engine` the last
//! claimer's; `rests_until` is `run_after` for as long as the job rests.
//! `snoozes` and `away_since` tell of the outage that the job waits for, if it does.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub kind: String,
    pub lane: String,
    pub room: String,
    pub media_id: i64,
    pub transcodings: String,
    pub state: String,
    pub fence: i64,
    pub failures: i64,
    pub deaths: i64,
    pub engine: Option<i64>,
    pub worker: Option<String>,
    pub lease_until: Option<i64>,
    pub run_after: i64,
    pub rests_until: Option<i64>,
    pub dispatched: Option<i64>,
    pub reason: Option<String>,
    pub created: i64,
    pub finished: Option<i64>,
    pub snoozes: i64,
    pub away_since: Option<i64>,
    pub claim_nonce: Option<i64>,
    pub trace: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
