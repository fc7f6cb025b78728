"""A bot on doclib, as its README shows one: regexes, connect, start.

doclib is of 2020, and two things have left Python since: the abstract classes
in `collections`, which its dependency attrdict imports, and inline flags in the
middle of a regex. Both are given back around it.
"""

import collections
import collections.abc
import re
import sys
import threading
import types

import line

for gone in ["Mapping", "MutableMapping", "Sequence"]:
    setattr(collections, gone, getattr(collections.abc, gone))

import doclib


def search(pattern, text):
    return re.search("(?i)" + pattern.replace("(?i)", "") if "(?i)" in pattern else pattern, text)


doclib.re = types.SimpleNamespace(search=search, sub=re.sub, escape=re.escape)


def moved():
    # doclib's own word for this; made without its constructor, which logs it.
    return doclib.KilledError.__new__(doclib.KilledError)


def say(content, parent=None):
    bot.send_msg(content, parent)


def nick(name):
    bot.set_nick(name)


def who():
    bot.get_userlist()


def page(n, before=None):
    bot.send_command("log", {"n": n} if before is None else {"n": n, "before": before})
    bot._wait_for("log-reply")


def reconnect():
    bot.restart()


def see(message):
    line.tell(saw=message.data)
    return False


def log(message, error=False):
    if error:
        line.tell(complained=str(message))


base, room, name, *passcode = sys.argv[1:]
line.tap(line.Line({"say": say, "nick": nick, "who": who, "page": page, "reconnect": reconnect}), moved, base)
threading.excepthook = line.tell_failure

try:
    bot = doclib.Bot(name, room=room, password="".join(passcode), customArgs=True)
    bot.log = log
    bot.set_regexes({see: ""})
    bot.connect()
    bot.start()
except BaseException:
    line.tell_failure()
    raise
