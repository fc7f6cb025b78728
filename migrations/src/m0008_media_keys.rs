//! Media objects of private rooms, what was told of media objects so far, and
//! which of them are given up.

use crate::column::{add, bytes_null, index_where, number, number_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// All that was told until now is in the rows.
const TOLD: &str = "UPDATE media_object SET seq = told.seq
    FROM (SELECT media_id, max(seq) AS seq FROM event GROUP BY media_id) AS told
    WHERE told.media_id = media_object.id";

/// When the first message showed it, as far as messages are still there.
const ATTACHED: &str = "UPDATE media_object SET attached = shown.first
    FROM (SELECT link.media_id AS media_id, min(message.posted) AS first FROM message_attachment AS link
          JOIN message ON message.id = link.message_id GROUP BY link.media_id) AS shown
    WHERE shown.media_id = media_object.id";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            number_null("encryption_key_id"),
            bytes_null("wrapped_key"),
            number("seq").default(0).take(),
            number_null("attached"),
            number_null("gone"),
        ];
        add(manager, "media_object", columns).await?;
        add(manager, "media_transcoding", [number("seq").default(0).take()]).await?;
        for fill in [TOLD, ATTACHED] {
            manager.get_connection().execute_unprepared(fill).await?;
        }
        let sealed = Expr::col("encryption_key_id").is_not_null();
        manager.create_index(index_where("media_object", "encryption_key_id", sealed)).await?;
        // What sweeps ask for is a small part of all media objects.
        let unattached = Expr::col("attached").is_null().and(Expr::col("gone").is_null());
        manager.create_index(index_where("media_object", "created", unattached)).await?;
        manager.create_index(index_where("media_object", "id", Expr::col("gone").is_not_null())).await
    }
}
