//! Buffers that are used again by the next step and by the next job. Fresh
//! memory costs a page fault every 4 KiB: 15 of the 62 ms of a full decode.

use crate::{PixelError, TooCostly, limits::DECODED_BYTES_MAX};

/// A buffer beyond this goes back to the system after its use, so that one
/// large picture does not make a process large for ever.
const KEPT_BYTES_MAX: usize = 48 << 20;
/// Most buffers that wait for their next use: the levels of a job and a few.
const KEPT_MAX: usize = 12;

/// Buffers that wait for their next use.
#[derive(Debug)]
pub(crate) struct Pool {
    free: Vec<Vec<u8>>,
    /// Most bytes of a picture: [`crate::Limits::decoded_bytes_max`] of the job.
    pub(crate) bytes_max: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { free: Vec::new(), bytes_max: DECODED_BYTES_MAX }
    }
}

impl Pool {
    /// A buffer of a picture of this size, if that is within bounds; with what was
    /// in it, as in [`take`](Self::take).
    pub(crate) fn picture(&mut self, width: u32, height: u32, channels: usize) -> Result<Vec<u8>, PixelError> {
        let len = self.admitted(width, height, channels)?;
        self.take(len)
    }

    /// A buffer with room for a picture of this size, if that is within bounds; with
    /// less in it, or nothing. Memory that was never written to costs nothing.
    pub(crate) fn room(&mut self, width: u32, height: u32, channels: usize) -> Result<Vec<u8>, PixelError> {
        let len = self.admitted(width, height, channels)?;
        self.room_for(len)
    }

    fn admitted(&self, width: u32, height: u32, channels: usize) -> Result<usize, PixelError> {
        let bytes = (u64::from(width) * u64::from(height)).saturating_mul(channels as u64);
        match usize::try_from(bytes) {
            Ok(len) if bytes <= self.bytes_max => Ok(len),
            _ => Err(TooCostly::Memory(bytes).into()),
        }
    }

    /// The same, in which every byte is 0.
    pub(crate) fn blank(&mut self, width: u32, height: u32, channels: usize) -> Result<Vec<u8>, PixelError> {
        let mut buffer = self.picture(width, height, channels)?;
        buffer.fill(0);
        Ok(buffer)
    }

    /// A buffer of exactly this length. It may still hold pixels of an earlier
    /// job, perhaps of another room: whoever takes it must overwrite all of it.
    pub(crate) fn take(&mut self, len: usize) -> Result<Vec<u8>, PixelError> {
        let mut buffer = self.room_for(len)?;
        buffer.resize(len, 0);
        Ok(buffer)
    }

    fn room_for(&mut self, len: usize) -> Result<Vec<u8>, PixelError> {
        let fits = self.free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
        let best = fits.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
        let mut buffer = match best {
            Some(index) => self.free.swap_remove(index),
            None => Vec::new(),
        };
        buffer.truncate(len);
        buffer.try_reserve_exact(len - buffer.len()).map_err(|_| TooCostly::Memory(len as u64))?;
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
    use heim_common::job::Reason;

    #[test]
    fn the_smallest_buffer_that_fits_is_used_again() {
        let mut pool = Pool::default();
        for len in [1000, 100, 5000] {
            pool.give(vec![7; len]);
        }
        let taken = pool.take(500).unwrap();
        assert_eq!((taken.len(), taken.capacity()), (500, 1000));
        assert_eq!(pool.free.len(), 2);
        assert_eq!(pool.blank(5, 4, 4).unwrap(), [0; 80]);
    }

    #[test]
    fn a_picture_is_given_memory_up_to_the_bound() {
        let mut pool = Pool { bytes_max: 400, ..Pool::default() };
        assert_eq!(pool.picture(10, 10, 4).unwrap().len(), 400);
        for (width, height, channels) in [(101, 1, 4), (401, 1, 1), (u32::MAX, u32::MAX, 4)] {
            let refused = pool.picture(width, height, channels).unwrap_err();
            assert_eq!(refused.reason(), Reason::TooCostly, "{width} x {height} x {channels}");
        }
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
