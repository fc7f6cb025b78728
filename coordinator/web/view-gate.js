/**
 * What stands in place of a room that one is not in: the passcode form, or in words why there is none.
 */
import { byId, setText } from './dom.js';

const PRIVATE = 'This room is private';

export class GateView {
  #form = byId('gate');
  #title = byId('gate-title');
  #field = byId('gate-field');
  #passcode = byId('passcode');
  #reason = byId('gate-reason');
  #progress = byId('gate-progress');
  #enter = byId('gate-enter');
  #reload = byId('gate-reload');
  #step = '';

  /** @param {{name: string, enter: (passcode: string) => void, reload: () => void}} room */
  constructor({ name, enter, reload }) {
    // What a password manager keeps the passcode under.
    byId('gate-room').value = name;
    this.#reload.onclick = reload;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      if (this.#step === 'ask') enter(this.#passcode.value);
    };
  }

  get isShown() {
    return !this.#form.hidden;
  }

  /** @param {import('./access.js').Gate} gate */
  show({ step, title = PRIVATE, words, isWrong = false, canReload = false }) {
    const isNew = this.#form.hidden;
    const wasAsking = this.#step === 'ask';
    this.#step = step;
    this.#form.hidden = false;
    document.body.classList.add('gated');
    setText(this.#title, title);
    setText(this.#progress, step === 'checking' ? words : '');
    setText(this.#reason, step === 'checking' ? '' : words);
    this.#field.hidden = step === 'shut';
    this.#enter.hidden = step === 'shut';
    this.#reload.hidden = !canReload;
    // Neither is disabled while it waits: that would take the focus away.
    this.#passcode.readOnly = step === 'checking';
    this.#enter.setAttribute('aria-disabled', String(step === 'checking'));
    this.#passcode.setAttribute('aria-invalid', String(isWrong));
    if (step === 'shut') this.#passcode.value = '';
    if (step === 'shut') (canReload ? this.#reload : this.#title).focus();
    else if (step === 'ask' && (isNew || !wasAsking)) this.#passcode.focus();
    if (isWrong) this.#passcode.select();
  }

  /** In the room. @returns {boolean} whether it was in the way until now */
  hide() {
    if (this.#form.hidden) return false;
    this.#form.hidden = true;
    this.#step = '';
    this.#passcode.value = '';
    document.body.classList.remove('gated');
    return true;
  }
}
