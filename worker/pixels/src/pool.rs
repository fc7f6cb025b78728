//! Buffers that are used again by the next step and by the next job. Fresh
//! memory costs a page fault every 4 KiB: 15 of the 62 ms of a full decode.

use crate::{PixelError, TooCostly};

/// A buffer beyond this goes back to the system after its use, so that one
/// large picture does not make a process large for ever.
const KEPT_BYTES_MAX: usize = 48 << 20;
/// Most buffers that wait for their next use: the levels of a job and a few.
const KEPT_MAX: usize = 12;

/// Buffers that wait for their next use.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Vec<Vec<u8>>,
}

impl Pool {
    /// A buffer of exactly this length. It may still hold pixels of an earlier
    /// job, perhaps of another room: whoever takes it must overwrite all of it.
    pub(crate) fn take(&mut self, len: usize) -> Result<Vec<u8>, PixelError> {
        let fits = self.free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
        let best = fits.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
        let mut buffer = match best {
            Some(index) => self.free.swap_remove(index),
            None => Vec::new(),
        };
        buffer.try_reserve_exact(len.saturating_sub(buffer.len())).map_err(|_| TooCostly::Memory(len as u64))?;
        buffer.resize(len, 0);
        Ok(buffer)
    }

    /// A buffer of this length in which every byte is 0.
    pub(crate) fn take_zeroed(&mut self, len: usize) -> Result<Vec<u8>, PixelError> {
        let mut buffer = self.take(len)?;
        buffer.fill(0);
        Ok(buffer)
    }

    /// Takes a buffer back.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        if (1..=KEPT_BYTES_MAX).contains(&buffer.capacity()) {
            if self.free.len() >= KEPT_MAX {
                self.free.remove(0);
            }
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_buffer_that_fits_is_used_again() {
        let mut pool = Pool::default();
        for len in [1000, 100, 5000] {
            pool.give(vec![7; len]);
        }
        let taken = pool.take(500).unwrap();
        assert_eq!((taken.len(), taken.capacity()), (500, 1000));
        assert_eq!(pool.free.len(), 2);
        assert_eq!(pool.take_zeroed(80).unwrap(), [0; 80]);
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut pool = Pool::default();
        pool.give(Vec::with_capacity(KEPT_BYTES_MAX + 1));
        assert!(pool.free.is_empty());
        for _ in 0..100 {
            pool.give(vec![0; 10]);
        }
        assert_eq!(pool.free.len(), KEPT_MAX);
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        assert!(Pool::default().take(isize::MAX as usize).is_err());
    }
}
