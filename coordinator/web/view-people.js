/**
 * The list of who is there: one line for each agent under one name, however many tabs they
 * have open; those without a name yet share a line.
 */
import { byId, disc, el } from './dom.js';
import { counted, hueOf, initialOf } from './text.js';

/**
 * @param {Iterable<import('./store.js').Person>} people
 * @param {string} sessionId the own one
 * @returns {{key: string, id: string, name: string, sessions: number, isSelf: boolean, isManager: boolean}[]} oneself first, then by name
 */
export function groupPeople(people, sessionId) {
  const groups = new Map();
  for (const { id, name, session_id, is_manager } of people) {
    const key = name ? `${id} ${name}` : '';
    const group = groups.get(key) ?? { key, id, name, sessions: 0, isSelf: false, isManager: false };
    group.sessions += 1;
    group.isSelf ||= session_id === sessionId;
    group.isManager ||= is_manager === true;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) =>
    Number(!a.name) - Number(!b.name) || Number(b.isSelf) - Number(a.isSelf) || a.name.localeCompare(b.name));
}

function line({ id, name, sessions, isSelf, isManager }) {
  const note = [isSelf && name && 'you', name && isManager && 'manager', name && sessions > 1 && counted(sessions, 'tab')].filter(Boolean).join(', ');
  const words = name || (isSelf && sessions === 1 ? 'you, without a name' : `${sessions} without a name`);
  const item = el(name ? 'li' : 'li.nameless', {}, disc(hueOf(id), name ? initialOf(name) : '·'), el('span.name', {}, words));
  if (note) item.append(el('span.note', {}, note));
  item.dataset.sessions = String(sessions);
  return item;
}

export class PeopleView {
  #list = byId('people');
  #here = byId('here');
  #toggle = byId('people-toggle');
  #side = byId('side');

  constructor() {
    this.#toggle.onclick = () => this.#open(this.#toggle.getAttribute('aria-expanded') !== 'true');
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.#open(false); });
    document.addEventListener('pointerdown', ({ target }) => {
      if (!this.#side.contains(target) && !this.#toggle.contains(target)) this.#open(false);
    });
  }

  render(store) {
    const groups = groupPeople(store.people.values(), store.sessionId);
    this.#list.replaceChildren(...groups.map(line));
    this.#here.textContent = `${store.people.size} here`;
  }

  /** Only matters where the screen is too narrow for the list. */
  #open(isOpen) {
    this.#toggle.setAttribute('aria-expanded', String(isOpen));
    this.#side.classList.toggle('open', isOpen);
  }
}
