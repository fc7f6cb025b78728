/**
 * The uploads of this tab: PUT by upload handle, with progress, cancelling and another
 * try. Goes on while the socket is away. Knows nothing of messages.
 *
 * @typedef {{id: string, method: string, url: string, headers: Record<string, string[]>,
 *   expires: number, max_size: number}} UploadHandle
 * @typedef {{id: string, file: File, handle: UploadHandle, preview: string, width?: number,
 *   height?: number, state: 'queued' | 'sending' | 'pausing' | 'sent' | 'failed' | 'cancelled', done: number,
 *   error: string, again: boolean, breaks: number, xhr: XMLHttpRequest | null}} Upload
 *   `breaks`: how often it broke off since somebody wanted it
 */
import { backoffMs } from './socket.js';
import { problemInWords } from './text.js';

/** Uploads that run at a time; the others wait for their turn. */
const PARALLEL = 3;
/** How long a message waits for the dimensions of its pictures. */
const MEASURE_MS = 1_000;
const RUNNING = new Set(['queued', 'sending', 'pausing']);
/** So often an upload that broke off goes on by itself: for about as long as a server takes to restart. */
const BREAKS_MAX = 6;
/** What a server that is about to be back, and those before it, answer; 0 is no answer. */
const PASSING = new Set([0, 502, 503, 504]);
const UNREACHABLE = 'The connection broke off';

/** Width and height of a local picture, upright; undefined where the browser can't read it. */
async function measurePicture(url) {
  const img = new Image();
  return new Promise((resolve) => {
    img.onload = () => resolve({ width: img.naturalWidth, height: img.naturalHeight });
    img.onerror = () => resolve(undefined);
    img.src = url;
  });
}

function bodyOf(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return undefined;
  }
}

/**
 * What an answer means: `again` is whether the same handle may be tried once more. An upload that
 * is in already is in by an earlier try whose answer was lost: the handle is this tab's alone, and
 * the answer names what it has.
 */
export function outcomeOf(status, problem, id) {
  const isIn = problem?.code === 'already-uploaded' && (problem.id ?? id) === id;
  const done = (status >= 200 && status < 300) || isIn;
  if (done) return { state: 'sent', error: '', again: false };
  const again = [0, 400, 408, 429].includes(status) || status >= 500;
  const fallback = status === 0 ? UNREACHABLE : `The server refused the upload (${status})`;
  return { state: 'failed', error: problemInWords(problem, fallback), again: again && problem?.code !== 'empty-upload' };
}

export class Uploads {
  /** @type {Map<string, Upload>} */
  #uploads = new Map();
  #changed;
  #createRequest;
  #measure;

  /** @param {{changed: (id: string) => void}} options */
  constructor({ changed, createRequest = () => new XMLHttpRequest(), measure = measurePicture }) {
    this.#changed = changed;
    this.#createRequest = createRequest;
    this.#measure = measure;
  }

  /** @returns {Upload | undefined} */
  get(id) {
    return this.#uploads.get(id);
  }

  /** How many are not over yet. */
  get active() {
    return [...this.#uploads.values()].filter((it) => RUNNING.has(it.state)).length;
  }

  /** Width and height of a file, upright; undefined where they can't be had soon. */
  async measure(file) {
    const url = URL.createObjectURL(file);
    const tooLong = new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
    try {
      return await Promise.race([this.#measure(url), tooLong]);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  /**
   * Starts one, or queues it.
   * @param {UploadHandle} handle
   * @param {File} file
   */
  start(handle, file) {
    const upload = {
      id: handle.id, handle, file, preview: URL.createObjectURL(file),
      state: 'queued', done: 0, error: '', again: false, breaks: 0, xhr: null,
    };
    this.#uploads.set(handle.id, upload);
    this.#measure(upload.preview).then((size) => this.#update(upload, size ?? {}));
    this.#next();
  }

  cancel(id) {
    const upload = this.#uploads.get(id);
    if (!upload || !RUNNING.has(upload.state)) return;
    const { xhr } = upload;
    this.#update(upload, { state: 'cancelled', again: true, xhr: null });
    xhr?.abort();
    this.#next();
  }

  retry(id) {
    const upload = this.#uploads.get(id);
    if (!upload?.again) return;
    this.#update(upload, { state: 'queued', again: false, done: 0, error: '', breaks: 0 });
    this.#next();
  }

  /** The picture itself is on the screen: the local file is not needed any more. */
  release(id) {
    if (this.get(id)?.state === 'sent') this.#forget(id);
  }

  /** Nobody may look at it any more: gives the local file back. What is on its way still arrives. */
  hide(id) {
    const upload = this.get(id);
    if (!upload) return;
    if (!RUNNING.has(upload.state)) this.#forget(id);
    URL.revokeObjectURL(upload.preview);
    upload.preview = '';
  }

  hideAll() {
    for (const id of [...this.#uploads.keys()]) this.hide(id);
  }

  /** No message will show it: stops it and keeps nothing. */
  discard(id) {
    this.cancel(id);
    this.#forget(id);
  }

  #forget(id) {
    const upload = this.#uploads.get(id);
    if (upload) URL.revokeObjectURL(upload.preview);
    this.#uploads.delete(id);
  }

  #update(upload, change) {
    Object.assign(upload, change);
    this.#changed(upload.id);
  }

  #next() {
    const all = [...this.#uploads.values()];
    const running = all.filter((it) => it.state === 'sending').length;
    for (const upload of all.filter((it) => it.state === 'queued').slice(0, PARALLEL - running)) this.#put(upload);
  }

  #put(upload) {
    const { method, url, headers } = upload.handle;
    const xhr = this.#createRequest();
    xhr.open(method, url);
    for (const [name, values] of Object.entries(headers)) {
      for (const value of values) xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = ({ loaded, total }) => {
      if (upload.xhr === xhr && total > 0) this.#update(upload, { done: loaded / total });
    };
    // `loadend` follows every end but the one that `cancel` has dealt with already.
    xhr.onloadend = () => {
      if (upload.xhr !== xhr) return;
      const outcome = outcomeOf(xhr.status, bodyOf(xhr), upload.id);
      if (outcome.again && PASSING.has(xhr.status) && upload.breaks < BREAKS_MAX) this.#pause(upload);
      else this.#update(upload, { ...outcome, xhr: null });
      if (!upload.preview) this.release(upload.id);
      this.#next();
    };
    this.#update(upload, { state: 'sending', xhr });
    xhr.send(upload.file);
  }

  #pause(upload) {
    const breaks = upload.breaks + 1;
    this.#update(upload, { state: 'pausing', done: 0, breaks, xhr: null });
    setTimeout(() => {
      if (upload.state !== 'pausing' || upload.breaks !== breaks) return;
      this.#update(upload, { state: 'queued' });
      this.#next();
    }, backoffMs(breaks - 1));
  }
}
