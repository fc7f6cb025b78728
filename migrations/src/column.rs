//! The few kinds of columns that the schema is made of.

use sea_orm_migration::prelude::*;

/// An id, a time, a size or a count.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A [`number`] that may be unknown.
pub(crate) fn number_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// A name, a word of a closed list, or what people wrote.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// A [`text`] that may be unknown.
pub(crate) fn text_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// Bytes.
pub(crate) fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

/// Bytes that may be unknown.
pub(crate) fn bytes_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().null().take()
}

/// An index over columns of a table, named after both.
pub(crate) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("idx_{table}_{}", columns.join("_"))).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}

/// An index over the rows of which a condition is true.
pub(crate) fn index_where(table: &'static str, column: &'static str, condition: Expr) -> IndexCreateStatement {
    Index::create().name(format!("idx_{table}_{column}_where")).table(table).col(column).and_where(condition).take()
}

/// An index over several columns of the rows of which a condition is true, under
/// a name of its own.
pub(crate) fn index_of_some(
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
    condition: Expr,
) -> IndexCreateStatement {
    let mut index = index(table, columns);
    index.name(format!("idx_{table}_{name}")).and_where(condition).take()
}

/// Adds columns to a table: one after the other, because `SQLite` takes one at
/// a time.
pub(crate) async fn add(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: impl IntoIterator<Item = ColumnDef>,
) -> Result<(), DbErr> {
    for mut column in columns {
        manager.alter_table(Table::alter().table(table).add_column(&mut column).take()).await?;
    }
    Ok(())
}

/// A primary key over several columns.
pub(crate) fn primary(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().primary().take();
    for column in columns {
        index.col(*column);
    }
    index
}

/// A column that goes when the row it refers to goes.
pub(crate) fn belongs_to(table: &'static str, column: &'static str, owner: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(owner, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
