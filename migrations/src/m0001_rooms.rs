//! Coordinators, rooms, and who is in them.

use crate::column::{index, number, primary, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let coordinator = Table::create()
            .table("coordinator")
            .col(number("number").primary_key())
            .col(text("era"))
            .col(number("lease_until"))
            .take();
        manager.create_table(coordinator).await?;

        let room = Table::create()
            .table("room")
            .col(text("name").primary_key())
            .col(ColumnDef::new("private").boolean().not_null())
            .col(number("created"))
            .take();
        manager.create_table(room).await?;

        let nick = Table::create()
            .table("nick")
            .col(text("room"))
            .col(text("agent_id"))
            .col(text("name"))
            .primary_key(&mut primary(&["room", "agent_id"]))
            .take();
        manager.create_table(nick).await?;

        let session = Table::create()
            .table("session")
            .col(text("id").primary_key())
            .col(text("room"))
            .col(text("agent_id"))
            .col(text("name"))
            .col(text("server_id"))
            .col(text("era"))
            .col(number("created"))
            .col(number("expires"))
            .take();
        manager.create_table(session).await?;
        manager.create_index(index("session", &["room"])).await?;
        manager.create_index(index("session", &["era"])).await?;
        manager.create_index(index("session", &["expires"])).await
    }
}
