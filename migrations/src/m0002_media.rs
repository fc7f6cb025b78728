//! Media objects and their transcodings.

use crate::column::{belongs_to, bytes_null, index, number, number_null, primary, text, text_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let media_object = Table::create()
            .table("media_object")
            .col(number("id").primary_key())
            .col(text("room"))
            .col(text("agent_id"))
            .col(text("name"))
            .col(text("server_id"))
            .col(text("server_era"))
            .col(number("created"))
            .col(number("expires"))
            .col(number("max_size"))
            .col(number_null("uploaded"))
            .col(text("state"))
            .col(text_null("failure"))
            .col(text_null("storage"))
            .col(text_null("content_type"))
            .col(number_null("size"))
            .col(bytes_null("digest"))
            .col(number_null("width"))
            .col(number_null("height"))
            .col(bytes_null("placeholder"))
            .take();
        manager.create_table(media_object).await?;
        manager.create_index(index("media_object", &["room", "uploaded"])).await?;
        manager.create_index(index("media_object", &["agent_id", "uploaded"])).await?;
        manager.create_index(index("media_object", &["state", "expires"])).await?;

        let media_transcoding = Table::create()
            .table("media_transcoding")
            .col(number("media_id"))
            .col(text("name"))
            .col(number("version"))
            .col(text("uri"))
            .col(text("content_type"))
            .col(number("size"))
            .col(number_null("width"))
            .col(number_null("height"))
            .primary_key(&mut primary(&["media_id", "name"]))
            .foreign_key(&mut belongs_to("media_transcoding", "media_id", "media_object"))
            .take();
        manager.create_table(media_transcoding).await
    }
}
