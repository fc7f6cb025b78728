//! The door to libwebp: three safe functions over its C interface. This file,
//! `jpeg_ffi` and `avif_ffi` have the `unsafe` code of this repository, but for one call in
//! `decode/unfilter.rs`. What a file means is none of their business.
#![expect(unsafe_code, reason = "libwebp is written in C")]

#[cfg(test)]
pub(crate) mod player;

use crate::{plan::Size, raster::Layout};
use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPBitstreamFeatures, WebPConfig, WebPDecode, WebPDecoderConfig, WebPEncode,
    WebPEncodingError, WebPGetFeatures, WebPPicture, WebPPictureFree, WebPPictureImportRGB, WebPPictureImportRGBA,
    WebPPreset, WebPRGBABuffer,
};
use std::{ffi::c_int, mem::MaybeUninit, slice};

/// What libwebp answers instead of doing what it was asked to.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum WebpError {
    /// Of the decoder.
    #[error("libwebp answers {0:?}")]
    Decoder(VP8StatusCode),
    /// Of the encoder.
    #[error("libwebp answers {0:?}")]
    Encoder(WebPEncodingError),
    /// A size or a length that its interface cannot express.
    #[error("out of libwebp's range")]
    Range,
}

impl WebpError {
    /// Whether there was not enough memory.
    pub(crate) fn is_memory(self) -> bool {
        match self {
            Self::Decoder(status) => status == VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY,
            Self::Encoder(code) => matches!(
                code,
                WebPEncodingError::VP8_ENC_ERROR_OUT_OF_MEMORY
                    | WebPEncodingError::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
                    // What `append` could not keep.
                    | WebPEncodingError::VP8_ENC_ERROR_BAD_WRITE
            ),
            Self::Range => false,
        }
    }
}

/// What a picture's own header says.
pub(crate) struct Features {
    pub(crate) size: Size,
    pub(crate) alpha: bool,
}

fn int(value: u32) -> Result<c_int, WebpError> {
    c_int::try_from(value).map_err(|_| WebpError::Range)
}

/// Checks that a buffer holds such a picture, and says how long a row is.
fn stride(size: Size, layout: Layout, len: usize) -> Result<c_int, WebpError> {
    let row = size.0 as usize * layout.channels();
    let colours = matches!(layout, Layout::Rgb | Layout::Rgba);
    if !colours || row.checked_mul(size.1 as usize) != Some(len) {
        return Err(WebpError::Range);
    }
    c_int::try_from(row).map_err(|_| WebpError::Range)
}

/// Reads a picture's own header.
pub(crate) fn features(bytes: &[u8]) -> Result<Features, WebpError> {
    let mut features = MaybeUninit::<WebPBitstreamFeatures>::zeroed();
    // SAFETY: the pointer and the length are of one slice, and libwebp writes
    // to `features` alone.
    let status = unsafe { WebPGetFeatures(bytes.as_ptr(), bytes.len(), features.as_mut_ptr()) };
    if status != VP8StatusCode::VP8_STATUS_OK {
        return Err(WebpError::Decoder(status));
    }
    // SAFETY: a struct of integers, zeroed above, is initialised whatever
    // libwebp wrote.
    let features = unsafe { features.assume_init() };
    let side = |value: c_int| u32::try_from(value).map_err(|_| WebpError::Range);
    Ok(Features { size: (side(features.width)?, side(features.height)?), alpha: features.has_alpha != 0 })
}

/// Decodes a still picture, scaled to `size`, into all of `into`. The layout is
/// `Rgb` or `Rgba`.
pub(crate) fn decode(bytes: &[u8], size: Size, layout: Layout, into: &mut [u8]) -> Result<(), WebpError> {
    let stride = stride(size, layout, into.len())?;
    let own = features(bytes)?.size;
    let mut config = WebPDecoderConfig::new().map_err(|()| WebpError::Range)?;
    config.options.use_scaling = c_int::from(own != size);
    config.options.scaled_width = int(size.0)?;
    config.options.scaled_height = int(size.1)?;
    config.output.colorspace = if layout == Layout::Rgba { WEBP_CSP_MODE::MODE_RGBA } else { WEBP_CSP_MODE::MODE_RGB };
    config.output.is_external_memory = 1;
    config.output.u.RGBA = WebPRGBABuffer { rgba: into.as_mut_ptr(), stride, size: into.len() };
    // SAFETY: `bytes` is a slice. The output is external memory, which libwebp
    // checks against the size that it is told, and that is `into`'s own length;
    // `into` outlives the call, and nothing is left to be freed.
    let status = unsafe { WebPDecode(bytes.as_ptr(), bytes.len(), &raw mut config) };
    if status == VP8StatusCode::VP8_STATUS_OK { Ok(()) } else { Err(WebpError::Decoder(status)) }
}

/// A picture of the encoder, freed when it goes.
struct Picture(WebPPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: libwebp initialised it, and frees only what it allocated.
        unsafe { WebPPictureFree(&raw mut self.0) };
    }
}

/// Encodes a picture as lossy WebP without any metadata, in place of what
/// `into` holds. The layout is `Rgb` or `Rgba`.
pub(crate) fn encode(
    pixels: &[u8],
    size: Size,
    layout: Layout,
    (quality, method): (u8, u8),
    into: &mut Vec<u8>,
) -> Result<(), WebpError> {
    into.clear();
    let stride = stride(size, layout, pixels.len())?;
    let mut config = WebPConfig::new_with_preset(WebPPreset::WEBP_PRESET_DEFAULT, f32::from(quality))
        .map_err(|()| WebpError::Range)?;
    config.method = method.into();
    let mut picture = Picture(WebPPicture::new().map_err(|()| WebpError::Range)?);
    picture.0.width = int(size.0)?;
    picture.0.height = int(size.1)?;
    let import = if layout == Layout::Rgba { WebPPictureImportRGBA } else { WebPPictureImportRGB };
    // SAFETY: `pixels` holds `height` rows of `stride` bytes, as checked above,
    // and libwebp copies them into memory of its own.
    let imported = unsafe { import(&raw mut picture.0, pixels.as_ptr(), stride) };
    if imported == 0 {
        return Err(WebpError::Encoder(picture.0.error_code));
    }
    picture.0.writer = Some(append);
    picture.0.custom_ptr = (&raw mut *into).cast();
    // SAFETY: both structs are initialised; `append` is called with this
    // picture alone, whose `custom_ptr` is `into`, borrowed for the whole call.
    let encoded = unsafe { WebPEncode(&raw const config, &raw mut picture.0) };
    if encoded == 0 { Err(WebpError::Encoder(picture.0.error_code)) } else { Ok(()) }
}

/// Takes the encoder's output: libwebp calls it with a piece at a time.
unsafe extern "C" fn append(data: *const u8, len: usize, picture: *const WebPPicture) -> c_int {
    if len == 0 {
        return 1;
    }
    // SAFETY: libwebp hands over `len` bytes at `data`.
    let piece = unsafe { slice::from_raw_parts(data, len) };
    // SAFETY: libwebp hands back the picture that it was given.
    let out = unsafe { (*picture).custom_ptr };
    // SAFETY: `encode` put a vector there that nothing else touches meanwhile.
    let out = unsafe { &mut *out.cast::<Vec<u8>>() };
    if out.try_reserve(len).is_err() {
        return 0;
    }
    out.extend_from_slice(piece);
    1
}
