/**
 * What people read and write: links, names, sizes, times, reasons. Pure.
 */

const URL_PATTERN = /https?:\/\/[^\s<>"]+/giu;
const TRAILING = /[.,:;!?'…]+$/u;
const NICK_RUNES_MAX = 36;

/** Closing brackets belong to a link only where it opens them too. */
function trimLink(url) {
  let link = url.replace(TRAILING, '');
  for (const [open, close] of ['()', '[]', '{}']) {
    while (link.endsWith(close) && link.split(close).length > link.split(open).length) {
      link = link.slice(0, -1).replace(TRAILING, '');
    }
  }
  return link;
}

/**
 * Cuts a message into plain runs and http(s) links.
 * @param {string} content
 * @returns {{text: string, href?: string}[]}
 */
export function linkRuns(content) {
  const runs = [];
  let at = 0;
  for (const match of content.matchAll(URL_PATTERN)) {
    const text = trimLink(match[0]);
    if (!URL.canParse(text)) continue;
    if (match.index > at) runs.push({ text: content.slice(at, match.index) });
    runs.push({ text, href: new URL(text).href });
    at = match.index + text.length;
  }
  if (at < content.length) runs.push({ text: content.slice(at) });
  return runs;
}

/** heim's rule: trimmed, white space collapsed, 1 to 36 characters; `null` where it can't be a nick. */
export function normaliseNick(name) {
  const nick = name.trim().replace(/\s+/gu, ' ');
  const runes = [...nick].length;
  return runes >= 1 && runes <= NICK_RUNES_MAX ? nick : null;
}

/** The room of a page's path, or `null`. */
export function roomOf(pathname) {
  const match = /^\/room\/((?:pm:)?[a-z0-9]+)\/?$/u.exec(decodeURIComponent(pathname));
  return match && match[1];
}

/** A hue, 0 to 359, that always belongs to the same text. */
export function hueOf(text) {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0;
  return ((hash ^ (hash >>> 15)) >>> 0) % 360;
}

/** What stands in a person's disc. */
export function initialOf(name) {
  const [first = '·'] = name.trim();
  return first.toLocaleUpperCase();
}

/** @param {number} bytes */
export function sizeInWords(bytes) {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `image/jpeg` → `JPEG`; what is no picture keeps its type. */
export function typeInWords(contentType = '') {
  const picture = /^image\/(?:.*-)?([a-z0-9]+)/u.exec(contentType);
  return picture ? picture[1].toUpperCase() : contentType;
}

/** A number of things: `1 picture`, `3 pictures`. */
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

const REASONS = {
  'media too large': 'This picture is too large',
  'media type not allowed': 'This kind of file can’t be shared here',
  'media not found': 'The picture is gone',
  'media uploads/downloads not configured': 'This server takes no pictures',
  'payload: invalid command type: media-upload': 'This server takes no pictures',
  'too many attachments': 'These are too many pictures for one message',
  'you must choose a name before you may begin chatting': 'Choose a name first',
  'invalid nick': 'A name has 1 to 36 characters',
  'message too long': 'This message is too long',
  'passcode incorrect': 'That passcode is not right',
  'room not open': 'This room is not open to you',
  'access denied': 'Only a manager of this room can do that',
  'edit inconsistent': 'Somebody else changed this message first: look at it again',
  'message not found': 'This message is gone',
};

/** An error as a sentence without its full stop. */
export function reasonInWords(error) {
  const text = REASONS[error] ?? String(error || 'Something went wrong');
  return text.charAt(0).toLocaleUpperCase() + text.slice(1).replace(/\.$/u, '');
}

/** What became of a message, for those who don't see it. */
export function editInWords(what, { sender }) {
  const message = `${sender.name ? `A message from ${sender.name}` : 'A message'}`;
  return `${message} ${{ deleted: 'was deleted', restored: 'is back', edited: 'was edited' }[what]}`;
}

/** A problem+json body in words. */
export function problemInWords(problem, fallback) {
  const { title, detail } = problem ?? {};
  if (!title) return detail ? reasonInWords(detail) : fallback;
  const sentence = reasonInWords(title);
  return detail && detail !== title ? `${sentence}: ${detail.replace(/\.$/u, '')}` : sentence;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/** @param {number} seconds Unix time */
export const clockOf = (seconds) => CLOCK.format(seconds * 1000);
/** @param {number} seconds Unix time */
export const fullTimeOf = (seconds) => FULL.format(seconds * 1000);

/** `Today`, `Yesterday` or the date. */
export function dayOf(seconds, now) {
  const days = ['Today', 'Yesterday'];
  const date = new Date(seconds * 1000).toDateString();
  const back = days.findIndex((_, ago) => new Date(now - ago * 86_400_000).toDateString() === date);
  return days[back] ?? DAY.format(seconds * 1000);
}
