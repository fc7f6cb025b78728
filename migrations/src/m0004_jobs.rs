//! Jobs: the truth of what the transport only carries the ids of.

use crate::column::{belongs_to, index, number, number_null, text, text_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let job = Table::create()
            .table("job")
            .col(number("id").primary_key())
            .col(text("kind"))
            .col(text("lane"))
            .col(text("room"))
            .col(number("media_id"))
            .col(text("transcodings"))
            .col(text("state"))
            .col(number("fence").default(0))
            .col(number("failures").default(0))
            .col(number("deaths").default(0))
            .col(number_null("engine"))
            .col(text_null("worker"))
            .col(number_null("lease_until"))
            .col(number("run_after"))
            .col(number_null("dispatched"))
            .col(text_null("reason"))
            .col(number("created"))
            .col(number_null("finished"))
            .foreign_key(&mut belongs_to("job", "media_id", "media_object"))
            .take();
        manager.create_table(job).await?;
        // One job of a kind for a media object, however often it is asked for.
        manager.create_index(index("job", &["media_id", "kind"]).unique().take()).await?;
        // The dispatcher walks from room to room within a lane; the sweep of
        // leases reads the running ones, which are few.
        manager.create_index(index("job", &["state", "lane", "room", "id"])).await
    }
}
