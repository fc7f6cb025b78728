//! The configuration of the whole in one process: what nobody says is derived
//! from the data folder.

use crate::secrets;
use anyhow::Context;
use heim_coordinator::ConfigFile;
use heim_runtime::config;
use heim_worker::{PixelsConfig, WorkerConfig};
use std::path::Path;

const DEFAULTS: &str = include_str!("../default.toml");

/// All of its sections.
pub(crate) type Configuration = ConfigFile<WorkerConfig, PixelsConfig>;

/// Reads the configuration; makes the data folder and its secrets if need be.
pub(crate) fn load(file: Option<&Path>, data: &Path, listen: Option<String>) -> anyhow::Result<Configuration> {
    let data = std::path::absolute(data)?;
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let defaults = format!("{DEFAULTS}\n{}", secrets::load_or_make(&data)?);
    let mut all: Configuration = config::load(&defaults, file)?;
    if let Some(listen) = listen {
        all.coordinator.listen = listen;
    }
    if all.database.url.is_empty() {
        all.database.url = format!("sqlite:{}", data.join("heim.db").display());
    }
    if all.store.url.is_empty() {
        all.store.url = format!("file://{}", data.join("store").display());
    }
    all.store = all.store.or_aws(config::variable);
    // In a fleet they are the business of two processes, and a job fails by it.
    anyhow::ensure!(
        all.limits.upload_bytes_max <= all.worker.original_bytes_max,
        "limits.upload_bytes_max must not be more than worker.original_bytes_max"
    );
    if all.keys.master.is_empty() && all.keys.master_file.is_empty() {
        all.keys.master_file = secrets::master_key(&data)?.display().to_string();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default() {
        let folder = tempfile::tempdir().unwrap();
        let all = load(None, folder.path(), Some("127.0.0.1:0".into())).unwrap();
        all.settings().unwrap();
        assert_eq!(all.coordinator.listen, "127.0.0.1:0");
        assert_eq!(all.queue.url, "memory:");
        assert!(all.database.url.starts_with("sqlite:/") && all.database.url.ends_with("heim.db"));
        assert!(all.store.url.starts_with("file:///"));
        assert!(all.keys.master_file.ends_with("master.key") && !all.admin.token.is_empty());
    }
}
