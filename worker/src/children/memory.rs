//! Memory that two processes see: the original on its way to a child, the
//! outputs on their way back.
//!
//! Anonymous files (memfd) with seals, so that neither end has to trust the
//! other: what is sealed cannot be taken back by whoever holds a descriptor.

use super::protocol::OUTPUT_BYTES_MAX;
use bytes::Bytes;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::FileExt,
    },
};

fn memfd(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into())
}

/// A file of memory that can neither grow nor shrink, of which only the written
/// pages take any.
pub(super) fn bounded_file(name: &str, bytes: u64) -> io::Result<File> {
    let file = memfd(name)?;
    ftruncate(&file, bytes)?;
    fcntl_add_seals(&file, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}

/// An original that is still coming in.
#[derive(Debug)]
pub struct OriginalBuffer {
    file: File,
    size: u64,
    written: u64,
}

impl OriginalBuffer {
    /// A place for `size` bytes.
    ///
    /// # Errors
    /// If the kernel gives no memory file.
    pub fn new(size: u64) -> io::Result<Self> {
        Ok(Self { file: memfd("heim-original")?, size, written: 0 })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `FileTooLarge` past the announced size; or the kernel's own.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.written + bytes.len() as u64;
        if written > self.size {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all(bytes)?;
        self.written = written;
        Ok(())
    }

    /// Makes it read-only for everybody, for ever.
    ///
    /// # Errors
    /// `UnexpectedEof` if bytes are missing; or the kernel's own.
    pub fn seal(self) -> io::Result<Original> {
        if self.written < self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        fcntl_add_seals(&self.file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(Original { file: self.file, size: self.size })
    }
}

/// A whole original that nobody can change any more.
#[derive(Debug)]
pub struct Original {
    file: File,
    size: u64,
}

impl Original {
    /// Its bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Where a child writes what it makes: [`OUTPUT_BYTES_MAX`] bytes of address
/// space, of which only the written pages take memory. It can neither grow nor
/// shrink, so a child cannot fill the machine's memory with it, nor pull it
/// away from under a read.
#[derive(Debug)]
pub(super) struct OutputArea {
    file: File,
}

impl OutputArea {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: bounded_file("heim-outputs", OUTPUT_BYTES_MAX)? })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A copy of a range; `None` where the area has no such range.
    pub(super) fn read(&self, offset: u64, len: u64) -> Option<Bytes> {
        if offset.checked_add(len)? > OUTPUT_BYTES_MAX {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_has_exactly_its_size_and_never_changes() {
        let mut buffer = OriginalBuffer::new(4).unwrap();
        buffer.write(b"abc").unwrap();
        assert_eq!(buffer.write(b"de").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        buffer.write(b"d").unwrap();
        let original = buffer.seal().unwrap();
        assert_eq!(original.size(), 4);
        let mut again = original.file.try_clone().unwrap();
        assert_eq!(again.write(b"e").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(original.file.write_at(b"x", 0).is_err());
        assert!(original.file.set_len(0).is_err());

        let short = OriginalBuffer::new(1).unwrap();
        assert_eq!(short.seal().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_output_area_keeps_its_size() {
        let area = OutputArea::new().unwrap();
        area.file.write_all_at(b"xyz", 5).unwrap();
        assert_eq!(area.read(5, 3).unwrap(), Bytes::from_static(b"xyz"));
        assert!(area.file.set_len(0).is_err());
        assert!(area.file.write_all_at(b"x", OUTPUT_BYTES_MAX).is_err());
        assert!(area.read(OUTPUT_BYTES_MAX - 1, 1).is_some());
        assert!(area.read(OUTPUT_BYTES_MAX, 1).is_none());
        assert!(area.read(u64::MAX, 2).is_none());
    }
}
