"""A bot on kareliapy, as its README shows one: connect, then parse for ever."""

import sys

import line


class Moved(Exception):
    """The bot has another connection now."""


def say(content, parent=""):
    bot.send(content, parent)


def nick(name):
    bot.change_nick(name)


def who():
    bot.send({"type": "who"})


def page(n, before=None):
    data = {"n": n} if before is None else {"n": n, "before": before}
    bot.send({"type": "log", "data": data})


def reconnect():
    # kareliapy's own way back, when a connection is lost, ends in a TypeError
    # behind the handshake; bots come back by this.
    bot.disconnect()
    bot.connect()


base, room, name = sys.argv[1:]
line.tap(line.Line({"say": say, "nick": nick, "who": who, "page": page, "reconnect": reconnect}), Moved, base)

import karelia  # it takes `create_connection` when it is imported

try:
    bot = karelia.bot(name, room)
    bot.connect()
    while True:
        try:
            packet = bot.parse()
        except Moved:
            continue
        if packet.type == "send-event":
            line.tell(saw=packet.data.packet)
except BaseException:
    line.tell_failure()
    raise
