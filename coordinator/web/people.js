/**
 * Who is in the room, by session id. Pure.
 *
 * @typedef {{id: string, name: string, server_id: string, server_era: string, session_id: string,
 *   is_manager?: boolean}} Person
 */

/** @extends {Map<string, Person>} */
export class People extends Map {
  /** These, and nobody else. */
  fill(listing) {
    this.clear();
    for (const person of listing) this.join(person);
  }

  join(person) {
    this.set(person.session_id, person);
  }

  /** Somebody chose a name; they need not be known. */
  rename({ session_id, id, to }) {
    const person = this.get(session_id) ?? { id, session_id, server_id: '', server_era: '' };
    this.set(session_id, { ...person, name: to });
  }

  /** A server went away with all of its sessions, but for this tab's own. */
  partition({ server_id, server_era }, own) {
    for (const person of [...this.values()]) {
      const isGone = person.server_id === server_id && person.server_era === server_era;
      if (isGone && person.session_id !== own) this.delete(person.session_id);
    }
  }
}
