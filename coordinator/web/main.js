/**
 * The demo room: makes the parts and tells each what the others need. Holds the page's only state.
 */
import { byId } from './dom.js';
import { Moderation } from './moderation.js';
import { Outbox } from './outbox.js';
import { refresher } from './refresh.js';
import { Session } from './session.js';
import { createStore } from './store.js';
import { editInWords, roomOf } from './text.js';
import { Uploads } from './upload.js';
import { ComposerView } from './view-composer.js';
import { GateView } from './view-gate.js';
import { LogView } from './view-log.js';
import { PeopleView } from './view-people.js';
import { StatusView } from './view-status.js';
import { Viewer } from './view-viewer.js';

function watchConnection(session, uploads) {
  window.addEventListener('online', () => { session.probe(); session.connect(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) session.probe(); });
  window.addEventListener('beforeunload', (event) => { if (uploads.active) event.preventDefault(); });
}

function openRoom(name) {
  const store = createStore(({ what, id }) => draw[what](id));
  const uploads = new Uploads({ changed: (id) => draw.media(id) });
  const notify = (words) => status.notify(words);
  const edited = (what, message) => status.speak(editInWords(what, message));
  const session = new Session({
    room: name, store, storage: () => window.localStorage, location: window.location,
    view: {
      connection: (state, close) => status.connection(state, close),
      room: (kind) => status.room(kind),
      gate: (it) => { if (it.step !== 'checking') status.connected(); gate.show(it); },
      joined: () => { status.connected(); composer.showNick(); if (gate.hide()) composer.focus(); },
      earlier: (isThere) => log.showEarlier(isThere),
      inSight: () => log.inSight(),
      heard: () => status.unread(),
      told: notify,
      edited,
    },
  });
  const outbox = new Outbox({ session, store, uploads, notify });
  const moderation = new Moderation({ session, store, notify, changed: () => log.render(), told: edited });
  const refresh = refresher(session, store);
  const status = new StatusView({ name, reconnect: session.connect });
  const gate = new GateView({ name, enter: session.enter, reload: () => window.location.reload() });
  const composer = new ComposerView({ store, session, outbox, notify, sent: () => log.toEnd(), isShut: () => gate.isShown });
  const viewer = new Viewer({ name, store, refresh, closed: (id) => log.focusPicture(id) });
  const people = new PeopleView();
  const log = new LogView({
    store, uploads, refresh, moderation,
    view: (id) => viewer.open(id),
    reply: (id) => composer.reply(id),
    showAll: (id) => session.request('get-message', { id }).then((message) => store.edit(message), (error) => notify(error.message)),
  });
  const draw = {
    log: () => { log.render(); viewer.check(); composer.check(); },
    people: () => { people.render(store); composer.showNick(); },
    media: (id) => { log.updateMedia(id); viewer.update(id); },
    forgotten: (id) => uploads.hide(id),
    cleared: () => { status.hush(); uploads.hideAll(); log.clear(); viewer.check(); composer.check(); people.render(store); },
  };
  byId('earlier').onclick = () => session.loadEarlier().catch((error) => notify(error.message));
  watchConnection(session, uploads);
  session.connect();
}

openRoom(roomOf(window.location.pathname) ?? 'welcome');
