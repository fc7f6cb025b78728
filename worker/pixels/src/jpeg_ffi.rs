//! The door to libjpeg-turbo's decoder, whose rows come one after the other. Its
//! other half is C: libjpeg's errors jump, which no Rust may be in the way of.
//! What a file means is none of their business.
#![expect(unsafe_code, reason = "libjpeg-turbo is written in C")]

use crate::{
    Limits, Step,
    plan::Size,
    scan::{Block, Codes, Header as ScanHeader, Place, Scan, ScanError},
};
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    marker::PhantomData,
    ptr::{self, NonNull},
    slice,
};

// It is what the C below is linked against.
use turbojpeg_sys as _;

/// What libjpeg does instead of what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JpegError {
    /// An error, or a warning that a part of the picture is missing: in its words.
    #[error("{0}")]
    Damaged(String),
    /// More scans than allowed.
    #[error("more scans than allowed")]
    Scans,
    /// The deadline passed.
    #[error("the deadline passed")]
    Late,
    /// There was not enough memory.
    #[error("out of memory")]
    Memory,
}

/// What a file's header says.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Header {
    width: u32,
    height: u32,
    gray: u8,
    inks: u8,
}

impl Header {
    /// Width and height.
    pub(crate) fn size(&self) -> Size {
        (self.width, self.height)
    }

    /// Whether the file holds gray alone.
    pub(crate) fn is_gray(&self) -> bool {
        self.gray != 0
    }

    /// Whether pixels are of four inks, instead of red, green and blue.
    pub(crate) fn is_of_inks(&self) -> bool {
        self.inks != 0
    }

    fn channels(&self) -> usize {
        if self.is_of_inks() { 4 } else { 3 }
    }
}

/// The C side of a [`Reader`].
#[repr(C)]
struct Raw {
    _opaque: [u8; 0],
}

/// Blocks of a unit, at most (libjpeg's `D_MAX_BLOCKS_IN_MCU`).
const PLACES_MAX: usize = 10;

/// What libjpeg says of a scan.
#[repr(C)]
struct RawScan {
    is_progressive: u8,
    first: u8,
    last: u8,
    known: u8,
    low: u8,
    count: u8,
    places: [Place; PLACES_MAX],
    codes: [[*const Codes; 4]; 2],
}

/// The scan that is being read.
#[derive(Default)]
struct Slot {
    scan: Option<Scan>,
    /// How many of its units, and of those of scans before it.
    #[cfg(test)]
    units: usize,
}

type Read = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut &mut Block, c_int, *mut usize) -> c_int;

/// Who reads scans instead of libjpeg.
#[repr(C)]
struct ScanReader {
    slot: *mut c_void,
    begin: unsafe extern "C" fn(*mut c_void, *const RawScan) -> c_int,
    restart: unsafe extern "C" fn(*mut c_void, usize),
    read: Read,
}

/// Whether it reads this scan.
///
/// # Safety
/// The slot is of the [`Reader`] that decodes, and what libjpeg says is there.
unsafe extern "C" fn begin(slot: *mut c_void, raw: *const RawScan) -> c_int {
    // SAFETY: as above.
    let raw = unsafe { &*raw };
    // SAFETY: as above.
    let slot = unsafe { &mut *slot.cast::<Slot>() };
    // SAFETY: libjpeg's tables are there or null, and begin like `Codes`.
    let codes = raw.codes.map(|codes| codes.map(|codes| unsafe { codes.as_ref() }));
    slot.scan = Scan::new(ScanHeader {
        is_progressive: raw.is_progressive != 0,
        band: (raw.first, raw.last),
        bits: (raw.known, raw.low),
        codes,
        places: &raw.places[..usize::from(raw.count).min(PLACES_MAX)],
    });
    c_int::from(slot.scan.is_some())
}

/// # Safety
/// The slot is of the [`Reader`] that decodes.
unsafe extern "C" fn restart(slot: *mut c_void, at: usize) {
    // SAFETY: as above.
    let slot = unsafe { &mut *slot.cast::<Slot>() };
    if let Some(scan) = &mut slot.scan {
        scan.restart(at);
    }
}

/// Reads a unit, and says which byte is the next.
///
/// # Safety
/// The slot is of the [`Reader`] that decodes, the file is of `len` bytes, and there are
/// `count` blocks, none of them twice.
unsafe extern "C" fn read(
    slot: *mut c_void,
    file: *const u8,
    len: usize,
    blocks: *mut &mut Block,
    count: c_int,
    at: *mut usize,
) -> c_int {
    // SAFETY: as above.
    unsafe { read_by(Scan::read, slot, (file, len), (blocks, count), at) }
}

/// The same on a processor that has what [`Scan::read_by_bmi`] needs.
///
/// # Safety
/// As of [`read`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
unsafe extern "C" fn read_by_bmi(
    slot: *mut c_void,
    file: *const u8,
    len: usize,
    blocks: *mut &mut Block,
    count: c_int,
    at: *mut usize,
) -> c_int {
    let read = |scan: &mut Scan, file: &[u8], blocks: &mut [&mut Block]| scan.read_by_bmi(file, blocks);
    // SAFETY: as above.
    unsafe { read_by(read, slot, (file, len), (blocks, count), at) }
}

#[expect(clippy::inline_always, reason = "it is the body of two functions")]
#[inline(always)]
unsafe fn read_by(
    read: impl FnOnce(&mut Scan, &[u8], &mut [&mut Block]) -> Result<(), ScanError>,
    slot: *mut c_void,
    (file, len): (*const u8, usize),
    (blocks, count): (*mut &mut Block, c_int),
    at: *mut usize,
) -> c_int {
    // SAFETY: as the caller says.
    let slot = unsafe { &mut *slot.cast::<Slot>() };
    #[cfg(test)]
    {
        slot.units += 1;
    }
    let Some(scan) = &mut slot.scan else { return 1 };
    // SAFETY: as the caller says.
    let file = unsafe { slice::from_raw_parts(file, len) };
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: as the caller says; a reference is a pointer that is not null.
    let blocks = unsafe { slice::from_raw_parts_mut(blocks, count) };
    let outcome = read(scan, file, blocks);
    // SAFETY: as the caller says.
    unsafe { *at = scan.at() };
    // As the other side numbers them.
    match outcome {
        Ok(()) => 0,
        Err(ScanError::CutShort) => 1,
        Err(ScanError::BadCode) => 2,
    }
}

/// The faster of the functions that this processor can do.
fn faster_read() -> Read {
    #[cfg(target_arch = "x86_64")]
    {
        let has_all = is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        if has_all {
            return read_by_bmi;
        }
    }
    read
}

unsafe extern "C" {
    fn heim_jpeg_open(
        scans_max: c_int,
        is_in_time: extern "C" fn(*const c_void) -> c_int,
        limits: *const c_void,
    ) -> *mut Raw;
    fn heim_jpeg_close(raw: *mut Raw);
    fn heim_jpeg_text(raw: *const Raw) -> *const c_char;
    fn heim_jpeg_read_header(raw: *mut Raw, file: *const u8, len: usize, header: *mut Header) -> c_int;
    fn heim_jpeg_scale(raw: *mut Raw, denominator: c_uint, width: *mut u32, height: *mut u32) -> c_int;
    fn heim_jpeg_start(raw: *mut Raw, fresh_bytes: usize, reader: *const ScanReader) -> c_int;
    fn heim_jpeg_read_rows(raw: *mut Raw, into: *mut u8, rows: c_uint, row_bytes: usize) -> c_int;
    fn heim_jpeg_finish(raw: *mut Raw) -> c_int;
}

/// Asked by libjpeg all along the way.
extern "C" fn is_in_time(limits: *const c_void) -> c_int {
    // SAFETY: a `Reader` hands over the limits that it borrows for as long as it lives.
    let limits = unsafe { &*limits.cast::<Limits>() };
    c_int::from(limits.in_time(Step::Decode).is_ok())
}

/// Reads one file. One that has seen another would fill in from that what this one
/// lacks: libjpeg keeps tables for files that come without (ITU-T T.81, B.5).
pub(crate) struct Reader<'a> {
    raw: NonNull<Raw>,
    header: Header,
    /// What is left to be read, once it is scaled.
    row_bytes: usize,
    rows: u32,
    scan: Box<Slot>,
    read: Read,
    borrowed: PhantomData<(&'a [u8], &'a Limits)>,
}

impl<'a> Reader<'a> {
    /// Reads a file's header.
    pub(crate) fn open(file: &'a [u8], limits: &'a Limits) -> Result<Self, JpegError> {
        let scans_max = c_int::try_from(limits.scans_max).unwrap_or(c_int::MAX);
        // SAFETY: the limits outlive the reader, and with it all calls of `is_in_time`.
        let raw = unsafe { heim_jpeg_open(scans_max, is_in_time, ptr::from_ref(limits).cast()) };
        let raw = NonNull::new(raw).ok_or(JpegError::Memory)?;
        let mut reader = Self {
            raw,
            header: Header::default(),
            row_bytes: 0,
            rows: 0,
            scan: Box::default(),
            read: faster_read(),
            borrowed: PhantomData,
        };
        let header = &raw mut reader.header;
        // SAFETY: the pointer and the length are of one slice, which outlives the
        // reader, and the other pointer is of a header.
        let outcome = unsafe { heim_jpeg_read_header(reader.raw.as_ptr(), file.as_ptr(), file.len(), header) };
        reader.check(outcome)?;
        Ok(reader)
    }

    /// What the file's header says.
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// Reads scans as a processor does that has no more than all have.
    #[cfg(test)]
    pub(crate) fn read_slowly(&mut self) {
        self.read = read;
    }

    /// How many units of scans were read here, and not by libjpeg.
    #[cfg(test)]
    pub(crate) fn units(&self) -> usize {
        self.scan.units
    }

    /// Makes the picture smaller, to one of so many of each side, rounded up: 1, 2, 4
    /// or 8. Says what size it then has; some files cannot be scaled.
    pub(crate) fn scale(&mut self, denominator: u32) -> Result<Size, JpegError> {
        let (mut width, mut height) = (0, 0);
        // SAFETY: the reader is open, and both pointers are of integers.
        let outcome = unsafe { heim_jpeg_scale(self.raw.as_ptr(), denominator, &raw mut width, &raw mut height) };
        self.check(outcome)?;
        self.row_bytes = width as usize * self.header.channels();
        self.rows = height;
        Ok((width, height))
    }

    /// Gets ready to give rows; where there are several scans, by reading all. So many
    /// bytes of memory that was never written to are for the rows: what they are made of
    /// makes room for them.
    pub(crate) fn start(&mut self, fresh_bytes: usize) -> Result<(), JpegError> {
        let reader = ScanReader { slot: (&raw mut *self.scan).cast(), begin, restart, read: self.read };
        // SAFETY: the reader is open.
        let outcome = unsafe { heim_jpeg_start(self.raw.as_ptr(), fresh_bytes, &raw const reader) };
        self.check(outcome)
    }

    /// Reads the next rows into all of this, which must be of whole rows: of RGB, or
    /// of inks as they are stored.
    pub(crate) fn read_rows(&mut self, into: &mut [u8]) -> Result<(), JpegError> {
        let rows = into.len().checked_div(self.row_bytes).and_then(|rows| u32::try_from(rows).ok());
        let rows = rows.filter(|rows| *rows <= self.rows && *rows as usize * self.row_bytes == into.len());
        let rows = rows.ok_or_else(|| JpegError::Damaged("rows that are not there".to_owned()))?;
        // SAFETY: the reader is open, and `into` is of so many rows of this length,
        // which the other side compares with its own.
        let outcome = unsafe { heim_jpeg_read_rows(self.raw.as_ptr(), into.as_mut_ptr(), rows, self.row_bytes) };
        self.check(outcome)?;
        self.rows -= rows;
        Ok(())
    }

    /// Reads what comes after the last row, to the end of the picture.
    pub(crate) fn finish(self) -> Result<(), JpegError> {
        // SAFETY: the reader is open.
        let outcome = unsafe { heim_jpeg_finish(self.raw.as_ptr()) };
        self.check(outcome)
    }

    fn check(&self, outcome: c_int) -> Result<(), JpegError> {
        // As the other side numbers them.
        match outcome {
            0 => Ok(()),
            2 => Err(JpegError::Scans),
            3 => Err(JpegError::Late),
            4 => Err(JpegError::Memory),
            _ => {
                // SAFETY: the reader is open.
                let text = unsafe { heim_jpeg_text(self.raw.as_ptr()) };
                // SAFETY: libjpeg ends its texts with a zero, and the reader keeps the last.
                let text = unsafe { CStr::from_ptr(text) };
                Err(JpegError::Damaged(text.to_string_lossy().into_owned()))
            }
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nothing uses it afterwards.
        unsafe { heim_jpeg_close(self.raw.as_ptr()) };
    }
}
