//! What is in the store and no row names, what no write ended, and rows whose
//! object is missing: since when that was seen, so that it is acted on late.

use crate::column::{index, number, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let stray = Table::create()
            .table("stray")
            .col(text("name").primary_key())
            .col(text("kind"))
            .col(number("seen"))
            .col(number("looked"))
            .take();
        manager.create_table(stray).await?;
        manager.create_index(index("stray", &["kind", "looked"])).await
    }
}
