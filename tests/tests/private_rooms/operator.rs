//! What deployments with private rooms are started with, and who steers them.

use heim_tests::keyed;
pub(crate) use heim_tests::{admitted::admitted, keyed::TOKEN, operator::Operator};

/// The setting of a deployment that has the API.
pub(crate) const API: (&str, &str) = ("admin.token", TOKEN);

/// The setting of a deployment that has private rooms, where it makes no master
/// key by itself.
pub(crate) const MASTER: (&str, &str) = ("keys.master", keyed::MASTER);
