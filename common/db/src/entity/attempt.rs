//! Rows of `attempt`: one for each claim of a job, which runs for as long as `ended`
//! is missing. `waited` is how long the job might have been claimed before;
//! `stages` a JSON object of milliseconds.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempt")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub job: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub fence: i64,
    pub media_id: i64,
    pub room: String,
    pub lane: String,
    pub worker: String,
    pub began: i64,
    pub waited: i64,
    pub ended: Option<i64>,
    pub verdict: Option<String>,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub stages: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
