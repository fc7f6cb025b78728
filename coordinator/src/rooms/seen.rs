//! What this coordinator has heard already, so that nobody is told it twice.
//! All of it is bounded.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// Numbers of one kind that are remembered.
const NUMBERS_MAX: usize = 8192;
/// Other coordinators, in all their starts, that are remembered.
const ORIGINS_MAX: usize = 1024;

/// Numbers that were heard lately.
#[derive(Debug)]
pub(super) struct Seen {
    numbers: BTreeSet<i64>,
    /// No number up to here can be told from one that was heard.
    forgotten: i64,
}

impl Seen {
    /// Knows nothing, and cares for what is above `floor`.
    pub(super) fn above(floor: i64) -> Self {
        Self { numbers: BTreeSet::new(), forgotten: floor }
    }

    /// Notes a number; whether it is heard for the first time, as far as is
    /// remembered.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        if !self.numbers.insert(number) {
            return false;
        }
        if self.numbers.len() > NUMBERS_MAX
            && let Some(lowest) = self.numbers.pop_first()
        {
            self.forgotten = self.forgotten.max(lowest);
        }
        true
    }

    /// Whether it may have been heard.
    pub(super) fn may_have(&self, number: i64) -> bool {
        number <= self.forgotten || self.numbers.contains(&number)
    }
}

/// How far each other coordinator was heard. Each publishes in order and goes on
/// only when its news was taken, so a number that is not above the last one is a
/// repetition.
#[derive(Debug, Default)]
pub(super) struct Origins {
    last: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Origins {
    /// Whether this is heard for the first time; 0 always is.
    pub(super) fn insert(&mut self, origin: &str, n: u64) -> bool {
        if n == 0 {
            return true;
        }
        if let Some(last) = self.last.get_mut(origin) {
            let is_new = n > *last;
            *last = n.max(*last);
            return is_new;
        }
        self.last.insert(origin.to_owned(), n);
        self.order.push_back(origin.to_owned());
        if self.order.len() > ORIGINS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.last.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_new_twice_and_memory_is_bounded() {
        let mut seen = Seen::above(5);
        assert!(seen.may_have(5) && !seen.may_have(7));
        assert!(seen.insert(7));
        assert!(!seen.insert(7));
        for number in 8..=i64::try_from(NUMBERS_MAX).unwrap() + 10 {
            assert!(seen.insert(number));
        }
        assert_eq!(seen.numbers.len(), NUMBERS_MAX);
        assert!(seen.may_have(7), "forgotten by then, and never repeated by whoever is careful");
        assert!(seen.insert(7), "news of its own is told rather than lost");
    }

    #[test]
    fn what_an_origin_published_twice_is_heard_once() {
        let mut origins = Origins::default();
        let heard: Vec<_> = [1, 2, 2, 3, 2, 4].into_iter().filter(|n| origins.insert("a", *n)).collect();
        assert_eq!(heard, [1, 2, 3, 4]);
        assert!(origins.insert("b", 1), "each counts for itself");
        assert!(origins.insert("a", 0) && origins.insert("a", 0), "older releases do not count");
        for number in 0..ORIGINS_MAX {
            assert!(origins.insert(&format!("c{number}"), 1));
        }
        assert_eq!((origins.last.len(), origins.order.len()), (ORIGINS_MAX, ORIGINS_MAX));
    }
}
