//! Rows of `worker`: what each worker last said of itself, and what the operator
//! wants of it. `jobs` is a JSON array of ids, `walls` a JSON object of words.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "worker")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub version: String,
    pub host: String,
    pub started: i64,
    pub heard: i64,
    pub state: String,
    pub wish: String,
    pub concurrency: i64,
    pub jobs: String,
    pub walls: String,
    pub cpu_percent: i64,
    pub child_memory: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
