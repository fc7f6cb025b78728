/**
 * The passcode of a private room: asks for it, tries it, and tries it again in every new
 * connection. It is kept in this object and nowhere else. Draws nothing.
 *
 * @typedef {{step: 'ask' | 'checking' | 'shut', title?: string, words: string, isWrong?: boolean,
 *   canReload?: boolean}} Gate what stands between a person and the room
 */
import { ConnectionLost } from './socket.js';
import { reasonInWords } from './text.js';

/** After so many wrong ones in a connection a server answers nothing but pings. */
export const FAILURES_MAX = 5;
/** From here on it is worth saying how many are left. */
const FEW_LEFT = 2;
const PASSCODE_WANTED = 'authentication required';

export const PASSCODE_CHANGED = 'The passcode of this room was changed';
const SLOW = 'One moment: after a wrong passcode the server answers more slowly';
export const TOO_MANY = 'Too many wrong passcodes: reload the page to try again';

export class Access {
  #request;
  #show;
  #again;
  #gaveUp;
  #passcode = '';
  /** Whether `#passcode` has opened the room before. */
  #wasRight = false;
  #failures = 0;
  #reason = '';
  #isChecking = false;

  /**
   * @param {{request: (type: string, data: object) => Promise<any>, show: (gate: Gate) => void,
   *   again: () => void, gaveUp: () => void}} room `again`: a new connection may do better; `gaveUp`: none is to be made
   */
  constructor({ request, show, again, gaveUp }) {
    this.#request = request;
    this.#show = show;
    this.#again = again;
    this.#gaveUp = gaveUp;
  }

  /** A new connection counts its failures anew. */
  connected() {
    this.#failures = 0;
    this.#isChecking = false;
  }

  /** The server wants a passcode, or lets nobody in. */
  async bounced(reason) {
    if (reason !== PASSCODE_WANTED) {
      this.#show({ step: 'shut', title: reasonInWords(reason), words: '' });
    } else if (this.#passcode) {
      await this.#try();
    } else {
      this.#show({ step: 'ask', words: this.#reason });
    }
  }

  /** Somebody typed a passcode. One that the connection swallows is tried in the next. */
  async enter(passcode) {
    if (this.#isChecking || !passcode) return;
    this.#passcode = passcode;
    this.#wasRight = false;
    this.#reason = '';
    await this.#try();
  }

  /** The passcode is not the room's any more. */
  revoke() {
    this.#passcode = '';
    this.#reason = PASSCODE_CHANGED;
    this.#show({ step: 'ask', words: this.#reason });
  }

  async #try() {
    // A passcode that was right before is tried unseen, while the page says that it reconnects.
    if (!this.#wasRight) this.#show({ step: 'checking', words: this.#failures ? SLOW : 'Checking…' });
    this.#isChecking = true;
    const { outcome, reason } = await this.#ask();
    if (outcome === 'lost') return;
    this.#isChecking = false;
    if (outcome === 'right') this.#wasRight = true;
    else if (outcome === 'wrong') this.#refused(reason);
    else this.#troubled(reason);
  }

  /** @returns {Promise<{outcome: 'right' | 'wrong' | 'trouble' | 'lost', reason?: string}>} */
  async #ask() {
    try {
      const { success, reason } = await this.#request('auth', { type: 'passcode', passcode: this.#passcode });
      return success ? { outcome: 'right' } : { outcome: 'wrong', reason };
    } catch (error) {
      if (error instanceof ConnectionLost) return { outcome: 'lost' };
      return error.message === 'already joined' ? { outcome: 'right' } : { outcome: 'trouble', reason: error.message };
    }
  }

  /** The server could not tell: that says nothing of the passcode. */
  #troubled(reason) {
    if (this.#wasRight) this.#again();
    else this.#show({ step: 'ask', words: reasonInWords(reason) });
  }

  #refused(reason) {
    const wasRight = this.#wasRight;
    this.#passcode = '';
    this.#wasRight = false;
    this.#failures += 1;
    const left = FAILURES_MAX - this.#failures;
    if (left <= 0) {
      this.#gaveUp();
      this.#show({ step: 'shut', words: TOO_MANY, canReload: true });
    } else if (wasRight) {
      this.#reason = PASSCODE_CHANGED;
      this.#show({ step: 'ask', words: this.#reason });
    } else {
      const more = left <= FEW_LEFT ? ` (${left === 1 ? '1 try' : `${left} tries`} left)` : '';
      this.#show({ step: 'ask', words: reasonInWords(reason) + more, isWrong: true });
    }
  }
}
