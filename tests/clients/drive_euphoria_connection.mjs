// A bot on euphoria-connection: it listens to the connection's events. The line
// to the test is that of `line.py`: commands by standard input, observations by
// standard output, one JSON object a line.

import Connection from "euphoria-connection";
import { createInterface } from "node:readline";

const [base, room, name] = process.argv.slice(2);
const uri = base.replace("http", "ws");
let connection;

function tell(observation) {
  process.stdout.write(`${JSON.stringify(observation)}\n`);
}

function connect(cookie) {
  tell({ opened: true });
  const headers = cookie ? { cookie } : {};
  connection = new Connection(room, 0, uri, { origin: base, headers });
  const own = connection;
  own.on("message", (text) => tell({ heard: JSON.parse(text) }));
  own.on("send-event", (packet) => tell({ saw: packet.data }));
  own.on("error", (error) => tell({ failed: error.stack }));
  own.on("close", (code) => own === connection && tell({ closed: String(code) }));
  own.once("ready", () => own.nick(name));
}

const commands = {
  say: ({ content, parent }) => connection.post(content, parent),
  nick: ({ name }) => connection.nick(name),
  who: () => connection.who(),
  page: ({ n, before }) => connection.download(n, before),
  "page-all": () => connection.downloadAll(() => {}, () => tell({ "paged-all": true })),
  reconnect: () => {
    const old = connection;
    const cookie = old.cookie.split(";")[0];
    connection = undefined;
    old.once("close", () => connect(cookie));
    old.close();
  },
};

process.on("uncaughtException", (error) => tell({ failed: error.stack }));
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
  tell({ done: true });
});
input.on("close", () => process.exit(0));
connect();
