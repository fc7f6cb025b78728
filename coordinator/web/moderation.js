/**
 * What a manager does with messages: deletes them, and takes that back for a moment. Draws nothing.
 */
import { ConnectionLost } from './socket.js';
import { reasonInWords } from './text.js';

/** How long a deletion can be taken back with one press. */
export const UNDO_MS = 20_000;
const INCONSISTENT = 'edit inconsistent';

export class Moderation {
  #session;
  #store;
  #changed;
  #notify;
  #told;
  #busy = new Set();
  /** Messages that this tab deleted a moment ago. */
  #undoable = new Set();

  /**
   * @param {{session: any, store: any, changed: () => void, notify: (words: string) => void,
   *   told: (what: 'deleted' | 'restored', message: object) => void}} room
   */
  constructor({ session, store, changed, notify, told }) {
    this.#session = session;
    this.#store = store;
    this.#changed = changed;
    this.#notify = notify;
    this.#told = told;
  }

  canDelete(message) {
    return this.#session.isManager && !message.deleted;
  }

  canUndo(message) {
    return this.#session.isManager && Boolean(message.deleted) && this.#undoable.has(message.id);
  }

  async delete(id) {
    if (this.#busy.has(id)) return;
    // Before the answer: when the message goes, the way back is there.
    this.#undoable.add(id);
    if (await this.#edit(id, true)) setTimeout(() => this.#settle(id), UNDO_MS);
    else this.#undoable.delete(id);
  }

  async undo(id) {
    if (await this.#edit(id, false)) this.#settle(id);
  }

  #settle(id) {
    if (this.#undoable.delete(id)) this.#changed();
  }

  /** @returns {Promise<boolean>} whether it was done */
  async #edit(id, isDelete) {
    const message = this.#store.messages.get(id);
    if (!message || this.#busy.has(id)) return false;
    this.#busy.add(id);
    try {
      const previous = message.edit && { previous_edit_id: message.edit };
      const after = await this.#session.request('edit-message', { id, ...previous, delete: isDelete, announce: true });
      const what = this.#store.edit(after);
      if (what) this.#told(what, after);
      return true;
    } catch (error) {
      this.#refused(id, error);
      return false;
    } finally {
      this.#busy.delete(id);
    }
  }

  /** The answer may have been lost with the connection: then the next snapshot tells what became of it. */
  #refused(id, error) {
    this.#notify(error instanceof ConnectionLost ? 'The connection was lost before the answer came' : reasonInWords(error.message));
    if (error.message !== INCONSISTENT) return;
    this.#session.request('get-message', { id }).then((message) => this.#store.edit(message), () => {});
  }
}
