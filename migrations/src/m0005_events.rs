//! What happened to media objects, in the order in which it was committed.

use crate::column::{index, number, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No reference to the media object: an event outlives what it tells of.
        let event = Table::create()
            .table("event")
            .col(number("seq").auto_increment().primary_key())
            .col(text("room"))
            .col(number("media_id"))
            .col(text("name"))
            .col(number("created"))
            .take();
        manager.create_table(event).await?;
        manager.create_index(index("event", &["created"])).await
    }
}
