/**
 * Why a connection ended, in words, and whether there is a way back. Pure.
 *
 * @typedef {{kind: 'final' | 'passcode' | 'passing', title: string, words: string}} Farewell
 *   `final`: the server would only send us away again; `passcode`: whoever knows the new one may come back
 */
import { reasonInWords } from './text.js';

/** @type {Farewell} */
export const ROOM_DELETED = { kind: 'final', title: 'This room was deleted', words: 'Its messages and pictures are gone.' };

const FAREWELLS = new Map([
  ['banned', { kind: 'final', title: 'You were banned from this room', words: '' }],
  ['room deleted', ROOM_DELETED],
  ['access changed', { kind: 'passcode', title: '', words: '' }],
]);

/** What a `disconnect-event` means. @returns {Farewell} */
export function farewellOf(reason) {
  return FAREWELLS.get(reason) ?? { kind: 'passing', title: '', words: `The server ended the connection: ${reasonInWords(reason)}` };
}

/** WebSocket close codes (IANA registry) that say something to people. */
const CLOSES = { 1001: 'The server is going away', 1012: 'The server is restarting', 1013: 'The server could not keep up' };

/** What the banner says while the way back is looked for. */
export function closeInWords(code) {
  return [CLOSES[code], 'Reconnecting…'].filter(Boolean).join('. ');
}
