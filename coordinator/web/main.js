/**
 * The demo room: makes the parts and tells each what the others need. Holds the page's only state.
 */
import { byId } from './dom.js';
import { Outbox } from './outbox.js';
import { Session } from './session.js';
import { createStore } from './store.js';
import { roomOf } from './text.js';
import { Uploads } from './upload.js';
import { ComposerView } from './view-composer.js';
import { LogView } from './view-log.js';
import { PeopleView } from './view-people.js';
import { StatusView } from './view-status.js';
import { Viewer } from './view-viewer.js';

/** Asks for a media object's fresh handles, once at a time. */
function refresher(session, store) {
  const asked = new Map();
  const ask = async (id) => {
    store.mediaObject(await session.request('get-media', { id }));
    return store.media.get(id);
  };
  return (id) => {
    if (!asked.has(id)) asked.set(id, ask(id).finally(() => asked.delete(id)));
    return asked.get(id);
  };
}

function watchConnection(session, uploads) {
  window.addEventListener('online', () => { session.probe(); session.connect(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) session.probe(); });
  window.addEventListener('beforeunload', (event) => { if (uploads.active) event.preventDefault(); });
}

function openRoom(name) {
  const store = createStore(({ what, id }) => draw[what](id));
  const uploads = new Uploads({ changed: (id) => draw.media(id) });
  const session = new Session({
    room: name, store, storage: () => window.localStorage, location: window.location,
    view: {
      connection: (state) => status.connection(state),
      gate: (reason) => status.gate(reason),
      closed: (reason) => status.closed(reason),
      heard: () => status.unread(),
      joined: () => { status.joined(); composer.showNick(); },
      earlier: (isThere) => log.showEarlier(isThere),
    },
  });
  const notify = (words) => status.notify(words);
  const outbox = new Outbox({ session, store, uploads, notify });
  const refresh = refresher(session, store);
  const status = new StatusView({ name, reconnect: session.connect, authenticate: (passcode) => session.authenticate(passcode) });
  const composer = new ComposerView({ store, session, outbox, notify, sent: () => log.toEnd() });
  const viewer = new Viewer({ store, refresh, closed: (id) => log.focusPicture(id) });
  const people = new PeopleView();
  const log = new LogView({
    store, uploads, refresh,
    view: (id) => viewer.open(id),
    reply: (id) => composer.reply(id),
    showAll: async (id) => store.edit(await session.request('get-message', { id })),
  });
  const draw = {
    log: () => log.render(),
    people: () => { people.render(store); composer.showNick(); },
    media: (id) => { log.updateMedia(id); viewer.update(id); },
  };
  byId('earlier').onclick = () => session.loadEarlier().catch((error) => notify(error.message));
  watchConnection(session, uploads);
  session.connect();
}

openRoom(roomOf(window.location.pathname) ?? 'welcome');
