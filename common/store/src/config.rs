//! The section `store` of the configuration.

use serde::{Deserialize, Serialize};

/// Where objects are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// `file:///absolute/folder`. The path is taken as it is written: nothing
    /// in it is percent-encoded.
    pub url: String,
}
