/**
 * Fresh handles for media objects, by `get-media`: asked once at a time for each, and
 * through a lost connection. Draws nothing.
 */
import { ConnectionLost } from './socket.js';

const TRIES_MAX = 3;
const NOT_FOUND = 'media not found';

/**
 * @param {{request: Function, whenJoined: () => Promise<void>}} session
 * @param {ReturnType<import('./store.js').createStore>} store
 * @returns {(id: string) => Promise<import('./media.js').Media>} rejects where the room has it no more
 */
export function refresher(session, store) {
  const asked = new Map();
  const ask = async (id) => {
    for (let tries = 1; ; tries += 1) {
      await session.whenJoined();
      try {
        store.mediaObject(await session.request('get-media', { id }));
        if (store.media.has(id)) return store.media.get(id);
        throw new Error(NOT_FOUND);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || tries === TRIES_MAX) throw error;
      }
    }
  };
  return (id) => {
    if (!asked.has(id)) asked.set(id, ask(id).finally(() => asked.delete(id)));
    return asked.get(id);
  };
}

/**
 * Loads a picture; where its handles are refused, once more with fresh ones.
 * @template T
 * @param {import('./media.js').Media} media
 * @param {(id: string) => Promise<import('./media.js').Media>} refresh
 * @param {(media: import('./media.js').Media) => Promise<T>} load
 * @returns {Promise<{picture?: T, trouble: '' | 'gone' | 'unreachable'}>}
 */
export async function loadRenewed(media, refresh, load) {
  try {
    return { picture: await load(media), trouble: '' };
  } catch {
    // Most often an expired handle.
  }
  let fresh;
  try {
    fresh = await refresh(media.id);
  } catch (error) {
    return { trouble: error.message === NOT_FOUND ? 'gone' : 'unreachable' };
  }
  try {
    return { picture: await load(fresh), trouble: '' };
  } catch {
    return { trouble: 'unreachable' };
  }
}
