/**
 * Loading pictures so that nothing flickers: a picture is put on the page when it has been
 * decoded, never before. Also the link to an original.
 */
import { el } from './dom.js';
import { ORIGINAL, srcsetOf } from './media.js';
import { sizeInWords, typeInWords } from './text.js';

/** Decoding is only waited for this long: a tab in the background may never be asked to decode. */
const DECODE_WITHIN_MS = 1500;
/** Handles are renewed this long before they expire. */
const STALE_S = 30;

/**
 * @param {{sources: import('./media.js').Transcoding[], sizes: string,
 *   dimensions?: {width: number, height: number}, alt: string}} options
 * @returns {Promise<HTMLImageElement>} a decoded picture; rejects if it can't be loaded
 */
export async function loadPicture({ sources, sizes, dimensions, alt }) {
  const img = el('img.picture', { alt, decoding: 'async', draggable: false, ...dimensions });
  const loaded = new Promise((resolve, reject) => {
    img.onload = resolve;
    img.onerror = () => reject(new Error('the picture could not be loaded'));
  });
  img.sizes = sizes;
  img.srcset = srcsetOf(sources);
  img.src = sources.at(-1).url;
  await loaded;
  if (document.visibilityState === 'visible') {
    const late = new Promise((resolve) => { setTimeout(resolve, DECODE_WITHIN_MS); });
    await Promise.race([img.decode(), late]);
  }
  return img;
}

/** Whether whoever looks at the page wants nothing to move on it. */
export const wantsStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether a handle is about to be refused, by this machine's clock. */
export const isStale = (transcoding, now) => transcoding.expires - now < STALE_S;

/** `JPEG, 4.2 MB` */
export function originalInWords(original) {
  return [typeInWords(original.content_type), sizeInWords(original.size)].filter(Boolean).join(', ');
}

/**
 * Makes a link lead to the original; a stale handle is renewed before it is followed.
 * @param {HTMLAnchorElement} link
 * @param {import('./media.js').Media} media
 * @param {(id: string) => Promise<import('./media.js').Media>} refresh
 */
export function linkOriginal(link, media, refresh) {
  const original = media.transcodings[ORIGINAL];
  const url = original && new URL(original.url, document.baseURI);
  link.hidden = !url || !url.protocol.startsWith('http');
  if (link.hidden) return;
  link.href = url.href;
  link.onclick = async (event) => {
    if (!isStale(original, Date.now() / 1000)) return;
    event.preventDefault();
    const fresh = await refresh(media.id).catch(() => undefined);
    if (!fresh?.transcodings[ORIGINAL]) return;
    link.onclick = null;
    linkOriginal(link, fresh, refresh);
    link.click();
  };
}
