/**
 * What was said while the connection was away for longer than a snapshot tells of: read page by page, newest first,
 * until the log has no gap. Draws nothing.
 */
import { ConnectionLost } from './socket.js';

/** As many as a snapshot brings. */
const PAGE = 100;

/**
 * Reads anew what the store has from before `before`, the oldest message of the snapshot. Where that can't be had, it
 * is forgotten: a log with a gap would look whole.
 * @param {(type: string, data: object) => Promise<any>} request
 * @param {ReturnType<import('./store.js').createStore>} store
 * @param {string} before
 * @returns {Promise<boolean>} false if the connection was lost again
 */
export async function catchUp(request, store, before) {
  try {
    for (let oldest = before; store.order[0] < oldest;) {
      const { log } = await request('log', { n: PAGE, before: oldest });
      store.reread(log, oldest, log.length < PAGE ? '' : log[0].id);
      oldest = log[0]?.id;
    }
  } catch (error) {
    if (error instanceof ConnectionLost) return false;
    store.reread([], before, '');
  }
  return true;
}
