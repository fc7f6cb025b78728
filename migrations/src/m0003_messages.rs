//! Chat messages and what is attached to them.

use crate::column::{belongs_to, index, number, number_null, primary, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let message = Table::create()
            .table("message")
            .col(number("id").primary_key())
            .col(text("room"))
            .col(number_null("parent"))
            .col(text("agent_id"))
            .col(text("session_id"))
            .col(text("name"))
            .col(text("server_id"))
            .col(text("server_era"))
            .col(text("content"))
            .col(number("posted"))
            .col(number_null("edited"))
            .col(number_null("deleted"))
            .take();
        manager.create_table(message).await?;
        manager.create_index(index("message", &["room", "id"])).await?;

        let message_attachment = Table::create()
            .table("message_attachment")
            .col(number("message_id"))
            .col(number("media_id"))
            .col(number("position"))
            .primary_key(&mut primary(&["message_id", "media_id"]))
            .foreign_key(&mut belongs_to("message_attachment", "message_id", "message"))
            .foreign_key(&mut belongs_to("message_attachment", "media_id", "media_object"))
            .take();
        manager.create_table(message_attachment).await?;
        manager.create_index(index("message_attachment", &["media_id"])).await
    }
}
