/**
 * What the page knows of a media object, and what can be drawn of it. Pure: no
 * DOM, no clock, no network.
 *
 * @typedef {{media_id: string, name: string, content_type: string, size: number,
 *   width?: number, height?: number, url: string, expires: number}} Transcoding
 * @typedef {{id: string, uploader: {id: string, name: string} | null, created: number,
 *   state: string, failure?: string, content_type?: string, size?: number, width?: number,
 *   height?: number, placeholder?: string, description?: {animated: boolean}, transcodings: Record<string, Transcoding>,
 *   errors: Record<string, string>}} Media
 */

/** The name of the identity transcoding. */
export const ORIGINAL = 'original';

/** After this long without an upload, nobody is waiting for it any more. */
const ABANDONED_S = 2 * 3600;

const RANK = { created: 0, uploaded: 1, ready: 2, failed: 2 };
const SHOWABLE = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif', 'image/bmp']);

/** Ratios are kept within this range, so that no tile becomes a thread. */
const RATIO_MIN = 0.6;
const RATIO_MAX = 2.6;

/** In words why a picture that was there can't be loaded. */
const TROUBLES = { gone: 'This picture can’t be shown any more', unreachable: 'The picture could not be loaded' };

/** @returns {Media} a media object of which nothing is known but its id. */
export function unknownMedia(id) {
  return { id, uploader: null, created: 0, state: 'created', transcodings: {}, errors: {} };
}

/** A state never goes back: events and snapshots may arrive in any order. */
function laterState(known, told) {
  return told in RANK && RANK[told] >= RANK[known] ? told : known;
}

/**
 * Folds a `media-upload-event` in.
 * @param {Media} media
 * @returns {Media} a new object.
 */
export function foldEvent(media, event) {
  const { state, placeholder, description, error, ...transcoding } = event;
  const next = { ...media, state: laterState(media.state, state) };
  if (placeholder) next.placeholder = placeholder;
  if (description) next.description = description;
  if (error !== undefined) {
    next.errors = { ...media.errors, [event.name]: error };
    return next;
  }
  next.transcodings = { ...media.transcodings, [event.name]: transcoding };
  if (event.name === ORIGINAL) {
    next.state = laterState(next.state, 'uploaded');
    for (const key of ['content_type', 'size', 'width', 'height']) next[key] = event[key] ?? media[key];
  }
  return next;
}

/**
 * Takes over a media object as a message or `get-media` delivers it: its
 * handles are the fresher ones, but what an event told before is kept.
 * @param {Media | undefined} known
 * @returns {Media}
 */
export function mergeMedia(known, delivered) {
  const before = known ?? unknownMedia(delivered.id);
  return {
    ...before,
    ...delivered,
    state: laterState(before.state, delivered.state),
    placeholder: delivered.placeholder ?? before.placeholder,
    transcodings: { ...before.transcodings, ...delivered.transcodings },
    errors: before.errors,
  };
}

/**
 * What an `<img>` can be given, narrowest first, one for each width. Of what
 * moves there is only one, since stills of it are among the others: the widest,
 * and of these the largest file, which is the one that moves once it is there. The
 * original only stands in where there is nothing else to wait for.
 * @param {Media} media
 * @param {boolean} [asStill] whether nothing should move
 * @returns {Transcoding[]}
 */
export function sourcesOf(media, asStill = false) {
  const moves = Boolean(media.description?.animated) && !asStill;
  const byWidth = new Map();
  for (const it of Object.values(media.transcodings)) {
    const usable = it.name !== ORIGINAL && it.width > 0 && SHOWABLE.has(it.content_type);
    const known = byWidth.get(it.width);
    const isBetter = !known || (moves ? it.size > known.size : it.size < known.size);
    if (usable && isBetter) byWidth.set(it.width, it);
  }
  const all = [...byWidth.values()].sort((a, b) => a.width - b.width);
  const sources = moves ? all.slice(-1) : all;
  const original = media.transcodings[ORIGINAL];
  if (!sources.length && media.state === 'ready' && SHOWABLE.has(original?.content_type)) return [original];
  return sources;
}

/** @param {Transcoding[]} sources */
export function srcsetOf(sources) {
  return sources
    .filter((it) => it.width > 0)
    .map((it) => `${it.url} ${it.width}w`)
    .join(', ');
}

/** Which transcoding a link to a picture should name: the original where browsers can show it. */
export function linkedName(media) {
  const original = media.transcodings[ORIGINAL];
  if (original && SHOWABLE.has(original.content_type)) return ORIGINAL;
  return sourcesOf(media).at(-1)?.name ?? ORIGINAL;
}

/** The address of a transcoding that always leads to a fresh handle, for those who may see the room. */
export function stableLink(origin, room, { id }, name) {
  return `${origin}/room/${room}/media/${id}/${name}`;
}

/** The source that a browser takes for a width in device pixels. */
export function bestSource(sources, width) {
  return sources.find((it) => it.width >= width) ?? sources.at(-1);
}

/**
 * Width and height, from whoever knows them first.
 * @param {Media} media
 * @param {{width?: number, height?: number}} [local] what the uploader's own tab measured
 */
export function dimensionsOf(media, local) {
  const known = [media, ...Object.values(media.transcodings), local];
  const found = known.find((it) => it?.width > 0 && it?.height > 0);
  return found && { width: found.width, height: found.height };
}

/** Width over height of the tile. */
export function ratioOf(dimensions) {
  if (!dimensions) return 4 / 3;
  return Math.min(RATIO_MAX, Math.max(RATIO_MIN, dimensions.width / dimensions.height));
}

/** In words why there will be no picture, or undefined while there may be one. */
export function failureOf(media, now) {
  if (media.state === 'failed') {
    return media.failure ?? Object.values(media.errors).at(-1) ?? 'The picture could not be read';
  }
  if (media.state === 'created' && media.created > 0 && now - media.created > ABANDONED_S) {
    return 'The upload was never finished';
  }
  return undefined;
}

/**
 * What a tile shows. `shown` is whether it shows a picture already, `trouble`
 * why the pictures that there are can't be loaded.
 * @param {Media} media
 * @param {{state: string, done?: number, error?: string} | undefined} upload the upload, where this tab makes it
 * @returns {{state: 'waiting'|'uploading'|'placeholder'|'ready'|'failed', words: string}}
 */
export function tileOf(media, upload, { shown, trouble, now }) {
  if (shown) return { state: 'ready', words: '' };
  if (upload?.state === 'queued') return { state: 'uploading', words: 'Waiting for its turn' };
  if (upload?.state === 'pausing') return { state: 'uploading', words: 'Trying again' };
  if (upload?.state === 'sending') return { state: 'uploading', words: upload.done < 1 ? 'Uploading' : 'Almost there' };
  if (upload?.state === 'failed') return { state: 'failed', words: upload.error };
  if (upload?.state === 'cancelled') return { state: 'failed', words: 'You cancelled this upload' };
  if (trouble) return { state: 'failed', words: TROUBLES[trouble] };
  const failure = sourcesOf(media).length ? undefined : failureOf(media, now);
  if (failure) return { state: 'failed', words: failure };
  if (media.placeholder) return { state: 'placeholder', words: '' };
  return { state: 'waiting', words: media.state === 'created' ? 'On its way' : 'Getting it ready' };
}
