//! Rows of `coordinator`: which running coordinator holds which worker number.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "coordinator")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub era: String,
    pub lease_until: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
