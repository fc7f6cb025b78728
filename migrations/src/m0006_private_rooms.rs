//! Private rooms: their passcodes, keys and managers, and who left them when.

use crate::column::{add, bytes, index, index_where, number, number_null, primary, text, text_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [number("epoch").default(0).take(), text_null("passcode"), number_null("deleted")];
        add(manager, "room", columns).await?;
        manager.create_index(index_where("room", "deleted", Expr::col("deleted").is_not_null())).await?;

        // No reference to the room: its keys go before it does.
        let room_key = Table::create()
            .table("room_key")
            .col(number("id").primary_key())
            .col(text("room"))
            .col(bytes("wrapped"))
            .col(text("master"))
            .col(number("created"))
            .take();
        manager.create_table(room_key).await?;
        manager.create_index(index("room_key", &["room", "id"])).await?;

        let room_manager = Table::create()
            .table("room_manager")
            .col(text("room"))
            .col(text("agent_id"))
            .primary_key(&mut primary(&["room", "agent_id"]))
            .take();
        manager.create_table(room_manager).await?;

        let departure = Table::create()
            .table("departure")
            .col(text("room"))
            .col(text("agent_id"))
            .col(number("departed"))
            .primary_key(&mut primary(&["room", "agent_id"]))
            .take();
        manager.create_table(departure).await?;
        manager.create_index(index("departure", &["departed"])).await?;
        // Every fetch from a private room asks for one agent's sessions there.
        manager.create_index(index("session", &["agent_id", "room"])).await
    }
}
