//! `docs/operations/telemetry.md`: its tables.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The folder of what operators use.
pub(crate) fn operations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("docs/operations")
}

/// One number, as the page explains it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<String>,
}

/// All numbers, as the page explains them.
pub(crate) fn rows() -> Vec<Row> {
    let text = fs::read_to_string(operations().join("telemetry.md")).expect("the page is there");
    let rows = text.lines().filter(|line| line.starts_with("| `heim_")).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("four columns: {line}") };
        assert!(!meaning.is_empty(), "{line}");
        let labels = labels.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        Row { name: name.trim_matches('`').to_owned(), kind: kind.to_owned(), labels }
    });
    rows.collect()
}
