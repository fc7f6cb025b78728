//! A picture on its way through a fleet.

pub(crate) use heim_tests::pair::Pair;
