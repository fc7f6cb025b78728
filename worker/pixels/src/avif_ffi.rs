//! The door to libavif, which reads and writes files through dav1d and libaom:
//! a decoder and one function over its C interface. Like `webp_ffi`, it has
//! `unsafe` code, and what a file means is none of its business.
#![expect(unsafe_code, reason = "libavif, dav1d and libaom are written in C")]

use crate::{plan::Size, raster::Layout};
use libavif_sys as avif;
use std::{
    ffi::{CStr, c_int},
    marker::PhantomData,
    ptr::NonNull,
    slice,
};

/// Most pixels that libavif takes on.
pub(crate) const PIXELS_MAX: u32 = avif::AVIF_DEFAULT_IMAGE_SIZE_LIMIT;
/// The longest side that AV1 can express.
const SIDE_MAX: u32 = 1 << 16;
/// Most frames of a sequence: six minutes of 30 a second. Its tables take memory
/// by their number, which a few bytes can make huge.
const FRAMES_MAX: u32 = 10_800;

/// What libavif answers instead of doing what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AvifError(avif::avifResult);

impl AvifError {
    const MEMORY: Self = Self(avif::AVIF_RESULT_OUT_OF_MEMORY);
    const ARGUMENT: Self = Self(avif::AVIF_RESULT_INVALID_ARGUMENT);

    /// Whether the file is of a variant that is not implemented.
    pub(crate) fn is_unsupported(self) -> bool {
        matches!(
            self.0,
            avif::AVIF_RESULT_NOT_IMPLEMENTED
                | avif::AVIF_RESULT_NO_CODEC_AVAILABLE
                | avif::AVIF_RESULT_UNSUPPORTED_DEPTH
                | avif::AVIF_RESULT_REFORMAT_FAILED
        )
    }

    /// Whether there was not enough memory.
    pub(crate) fn is_memory(self) -> bool {
        self == Self::MEMORY
    }
}

impl std::error::Error for AvifError {}

impl std::fmt::Display for AvifError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: it takes any number.
        let text = unsafe { avif::avifResultToString(self.0) };
        // SAFETY: it gives a string constant.
        let text = unsafe { CStr::from_ptr(text) };
        write!(f, "libavif answers {}: {}", self.0, text.to_string_lossy())
    }
}

fn check(result: avif::avifResult) -> Result<(), AvifError> {
    if result == avif::AVIF_RESULT_OK { Ok(()) } else { Err(AvifError(result)) }
}

/// A rectangle of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) size: Size,
}

/// What the container says of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    /// As it is decoded.
    pub(crate) stored: Size,
    /// The part that is to be shown.
    pub(crate) area: Area,
    /// Quarter turns, counter-clockwise.
    pub(crate) turns: u8,
    /// Mirrored after that: 0 is top to bottom, 1 left to right.
    pub(crate) mirror: Option<u8>,
    pub(crate) alpha: bool,
    pub(crate) gray: bool,
    /// Bytes of all planes.
    pub(crate) plane_bytes: u64,
    pub(crate) frames: u32,
    /// Colour primaries and transfer characteristics (ITU-T H.273).
    pub(crate) cicp: (u16, u16),
}

/// A file that is being read.
pub(crate) struct Decoder<'a> {
    raw: NonNull<avif::avifDecoder>,
    _original: PhantomData<&'a [u8]>,
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // SAFETY: libavif made it, and nothing that is its own outlives it.
        unsafe { avif::avifDecoderDestroy(self.raw.as_ptr()) };
    }
}

impl<'a> Decoder<'a> {
    /// Reads the container, and decodes nothing. A file that declares more
    /// pixels than `pixels_max` is refused.
    pub(crate) fn open(original: &'a [u8], pixels_max: u32) -> Result<Self, AvifError> {
        // SAFETY: it takes nothing, and gives null or a decoder for us alone.
        let raw = unsafe { avif::avifDecoderCreate() };
        let mut decoder = Self { raw: NonNull::new(raw).ok_or(AvifError::MEMORY)?, _original: PhantomData };
        // SAFETY: libavif has initialised it.
        let settings = unsafe { decoder.raw.as_mut() };
        settings.codecChoice = avif::AVIF_CODEC_CHOICE_DAV1D;
        settings.maxThreads = 1;
        settings.ignoreExif = 1;
        settings.ignoreXMP = 1;
        settings.imageSizeLimit = pixels_max.clamp(1, PIXELS_MAX);
        settings.imageDimensionLimit = SIDE_MAX;
        settings.imageCountLimit = FRAMES_MAX;
        // The others refuse files of older writers that every browser shows.
        settings.strictFlags = avif::AVIF_STRICT_CLAP_VALID;
        // SAFETY: pointer and length are of one slice, which outlives the decoder.
        check(unsafe { avif::avifDecoderSetIOMemory(raw, original.as_ptr(), original.len()) })?;
        // SAFETY: the decoder is initialised and has its input.
        check(unsafe { avif::avifDecoderParse(raw) })?;
        Ok(decoder)
    }

    fn state(&self) -> &avif::avifDecoder {
        // SAFETY: libavif has initialised it, and changes it only in calls for
        // which this decoder is borrowed mutably.
        unsafe { self.raw.as_ref() }
    }

    fn image(&self) -> Result<&avif::avifImage, AvifError> {
        // SAFETY: it is null or an image that lives as long as the decoder, and
        // is changed only in calls for which the decoder is borrowed mutably.
        unsafe { self.state().image.as_ref() }.ok_or(AvifError(avif::AVIF_RESULT_NO_CONTENT))
    }

    /// What the container says, or after [`advance`](Self::advance) what was decoded.
    pub(crate) fn features(&self) -> Result<Features, AvifError> {
        let image = self.image()?;
        let state = self.state();
        let has = |flag| image.transformFlags & flag != 0;
        let stored = (image.width, image.height);
        let whole = Area { left: 0, top: 0, size: stored };
        let (gray, shares) = match image.yuvFormat {
            avif::AVIF_PIXEL_FORMAT_YUV400 => (true, 2),
            avif::AVIF_PIXEL_FORMAT_YUV420 => (false, 3),
            avif::AVIF_PIXEL_FORMAT_YUV422 => (false, 4),
            _ => (false, 6),
        };
        let alpha = state.alphaPresent != 0;
        let halves = u64::from(stored.0) * u64::from(stored.1) * (shares + if alpha { 2 } else { 0 });
        Ok(Features {
            stored,
            area: if has(avif::AVIF_TRANSFORM_CLAP) { clean_aperture(image)? } else { whole },
            turns: if has(avif::AVIF_TRANSFORM_IROT) { image.irot.angle & 3 } else { 0 },
            mirror: has(avif::AVIF_TRANSFORM_IMIR).then_some(image.imir.axis & 1),
            alpha,
            gray,
            plane_bytes: if image.depth > 8 { halves } else { halves / 2 },
            frames: u32::try_from(state.imageCount).unwrap_or(1),
            cicp: (image.colorPrimaries, image.transferCharacteristics),
        })
    }

    /// The embedded colour profile.
    pub(crate) fn icc(&self) -> Result<Option<&[u8]>, AvifError> {
        let icc = self.image()?.icc;
        if icc.data.is_null() || icc.size == 0 {
            return Ok(None);
        }
        // SAFETY: libavif holds so many bytes there as long as the decoder lives
        // and is not borrowed mutably.
        Ok(Some(unsafe { slice::from_raw_parts(icc.data, icc.size) }))
    }

    /// Decodes the next frame: the first one, at first.
    pub(crate) fn advance(&mut self) -> Result<(), AvifError> {
        // SAFETY: the decoder is initialised, and its input is still there.
        check(unsafe { avif::avifDecoderNextImage(self.raw.as_ptr()) })
    }

    /// Writes a part of the decoded frame into all of `into`. The layout is
    /// `Rgb` or `Rgba`; `rough` takes the nearest colour where there are fewer
    /// of them than pixels, which costs half.
    pub(crate) fn convert(&self, area: Area, layout: Layout, rough: bool, into: &mut [u8]) -> Result<(), AvifError> {
        let image = self.image()?;
        let mut rgb = described(area.size, layout, into.len())?;
        rgb.chromaUpsampling =
            if rough { avif::AVIF_CHROMA_UPSAMPLING_FASTEST } else { avif::AVIF_CHROMA_UPSAMPLING_BEST_QUALITY };
        rgb.pixels = into.as_mut_ptr();
        // SAFETY: it takes nothing, and gives null or an image for us alone.
        let part = Image::new(unsafe { avif::avifImageCreateEmpty() })?;
        let rect = avif::avifCropRect { x: area.left, y: area.top, width: area.size.0, height: area.size.1 };
        // SAFETY: both images are initialised, and libavif checks that the
        // rectangle lies within the second; its planes outlive `part`.
        check(unsafe { avif::avifImageSetViewRect(part.0.as_ptr(), image, &raw const rect) })?;
        // SAFETY: `rgb` describes all of `into`, and is of the size of `part`.
        check(unsafe { avif::avifImageYUVToRGB(part.0.as_ptr(), &raw mut rgb) })
    }
}

fn clean_aperture(image: &avif::avifImage) -> Result<Area, AvifError> {
    let mut rect = avif::avifCropRect::default();
    let mut said = avif::avifDiagnostics::default();
    let (width, height, format) = (image.width, image.height, image.yuvFormat);
    // SAFETY: all three pointers are to initialised structs of our own.
    let is_valid = unsafe {
        avif::avifCropRectConvertCleanApertureBox(
            &raw mut rect,
            &raw const image.clap,
            width,
            height,
            format,
            &raw mut said,
        )
    };
    if is_valid == 0 {
        return Err(AvifError(avif::AVIF_RESULT_BMFF_PARSE_FAILED));
    }
    Ok(Area { left: rect.x, top: rect.y, size: (rect.width, rect.height) })
}

/// A description of pixels that fill a buffer of this length, but for where
/// they are.
fn described(size: Size, layout: Layout, len: usize) -> Result<avif::avifRGBImage, AvifError> {
    let row = size.0 as usize * layout.channels();
    if !matches!(layout, Layout::Rgb | Layout::Rgba) || row.checked_mul(size.1 as usize) != Some(len) {
        return Err(AvifError::ARGUMENT);
    }
    Ok(avif::avifRGBImage {
        width: size.0,
        height: size.1,
        depth: 8,
        format: if layout == Layout::Rgba { avif::AVIF_RGB_FORMAT_RGBA } else { avif::AVIF_RGB_FORMAT_RGB },
        maxThreads: 1,
        rowBytes: u32::try_from(row).map_err(|_| AvifError::ARGUMENT)?,
        ..avif::avifRGBImage::default()
    })
}

/// An image of our own.
struct Image(NonNull<avif::avifImage>);

impl Image {
    fn new(raw: *mut avif::avifImage) -> Result<Self, AvifError> {
        NonNull::new(raw).map(Self).ok_or(AvifError::MEMORY)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: libavif made it, and frees only the planes that it owns.
        unsafe { avif::avifImageDestroy(self.0.as_ptr()) };
    }
}

/// An encoder of our own.
struct Encoder(NonNull<avif::avifEncoder>);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: libavif made it.
        unsafe { avif::avifEncoderDestroy(self.0.as_ptr()) };
    }
}

/// What an encoder wrote.
struct Written(avif::avifRWData);

impl Drop for Written {
    fn drop(&mut self) {
        // SAFETY: it is as it was initialised, or as libavif left it.
        unsafe { avif::avifRWDataFree(&raw mut self.0) };
    }
}

/// Encodes a picture in sRGB, 8 bits and 4:2:0, without any metadata, in place
/// of what `into` holds. The layout is `Rgb` or `Rgba`.
pub(crate) fn encode(
    pixels: &[u8],
    size: Size,
    layout: Layout,
    (quality, speed): (u8, u8),
    into: &mut Vec<u8>,
) -> Result<(), AvifError> {
    into.clear();
    let mut rgb = described(size, layout, pixels.len())?;
    rgb.pixels = pixels.as_ptr().cast_mut();
    // SAFETY: it takes numbers alone, and gives null or an image for us alone.
    let raw = unsafe { avif::avifImageCreate(size.0, size.1, 8, avif::AVIF_PIXEL_FORMAT_YUV420) };
    let mut image = Image::new(raw)?;
    // SAFETY: libavif has initialised it.
    let meaning = unsafe { image.0.as_mut() };
    meaning.yuvRange = avif::AVIF_RANGE_FULL;
    // 1, 13 and 6 of ITU-T H.273: sRGB by the matrix of BT.601, as JPEG has it.
    (meaning.colorPrimaries, meaning.transferCharacteristics, meaning.matrixCoefficients) = (1, 13, 6);
    // SAFETY: `rgb` describes all of `pixels`, which are only read, and is of the
    // size of `image`.
    check(unsafe { avif::avifImageRGBToYUV(image.0.as_ptr(), &raw const rgb) })?;
    // SAFETY: it takes nothing, and gives null or an encoder for us alone.
    let raw = unsafe { avif::avifEncoderCreate() };
    let mut encoder = NonNull::new(raw).map(Encoder).ok_or(AvifError::MEMORY)?;
    // SAFETY: libavif has initialised it.
    let settings = unsafe { encoder.0.as_mut() };
    settings.codecChoice = avif::AVIF_CODEC_CHOICE_AOM;
    settings.maxThreads = 1;
    settings.speed = c_int::from(speed);
    settings.quality = c_int::from(quality);
    settings.qualityAlpha = c_int::from(quality);
    let mut written = Written(avif::avifRWData::default());
    // SAFETY: all three are initialised and ours.
    check(unsafe { avif::avifEncoderWrite(encoder.0.as_ptr(), image.0.as_ptr(), &raw mut written.0) })?;
    if written.0.data.is_null() {
        return Err(AvifError(avif::AVIF_RESULT_UNKNOWN_ERROR));
    }
    // SAFETY: libavif holds so many bytes there until they are freed.
    let file = unsafe { slice::from_raw_parts(written.0.data, written.0.size) };
    into.try_reserve(file.len()).map_err(|_| AvifError::MEMORY)?;
    into.extend_from_slice(file);
    Ok(())
}
