//! Rows of `audit`: what operators have done. `affected` is missing for as long as
//! it is not over.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub at: i64,
    pub who: String,
    pub action: String,
    pub subject: String,
    pub dry_run: bool,
    pub affected: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
