//! How many sockets one agent has on this coordinator, those that stand before
//! a private room too.

use heim_common::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The sockets of all agents, counted. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chairs(Arc<Mutex<HashMap<UserId, usize>>>);

/// One socket's place. Its drop gives it back.
#[derive(Debug)]
pub(crate) struct Chair {
    all: Chairs,
    agent: UserId,
}

impl Chairs {
    /// A place for one more socket of an agent, unless it has `most`.
    pub(crate) fn take(&self, agent: &UserId, most: usize) -> Option<Chair> {
        let mut counts = self.counts();
        let count = counts.get(agent).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        counts.insert(agent.clone(), count + 1);
        Some(Chair { all: self.clone(), agent: agent.clone() })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        // Every change is a single step, so a poisoned lock harms nobody.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.agent) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_so_many_and_gets_them_back() {
        let (chairs, [ana, ben]) = (Chairs::default(), ["ana", "ben"].map(|name| UserId::from_stored(name.to_owned())));
        let first = chairs.take(&ana, 2).unwrap();
        let _second = chairs.take(&ana, 2).unwrap();
        assert!(chairs.take(&ana, 2).is_none() && chairs.take(&ben, 2).is_some());
        drop(first);
        assert!(chairs.take(&ana, 2).is_some());
        assert_eq!(chairs.counts().len(), 1, "who is gone is not remembered");
    }
}
