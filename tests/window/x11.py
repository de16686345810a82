"""Control of another program's window: title, keys, mouse, clipboard, file drops, pictures.

Uses only Xlib, with the XTEST extension for keys and mouse, so that the program receives the same
events as from a person.
"""

import select
import struct
import time
import urllib.parse
import zlib

import Xlib.display
import Xlib.error
import Xlib.XK
from Xlib import X
from Xlib.ext import xtest
from Xlib.protocol import event as events


# Errors for a window that has been closed.
Gone = Xlib.error.XError


class Failure(Exception):
    """An expected event did not happen."""


def wait(what, probe, timeout, every=0.02):
    """Returns the first true value of probe(); raises a Failure that names the event at the timeout."""
    end = time.monotonic() + timeout
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {timeout:g} s")
        time.sleep(every)


# Keysyms whose names differ from their characters.
SIGNS = {
    " ": "space", "/": "slash", ".": "period", ",": "comma", "-": "minus", "_": "underscore",
    "?": "question", "!": "exclam", ":": "colon", "'": "apostrophe", "+": "plus", "=": "equal",
    "~": "asciitilde",
}
MODIFIERS = {"Ctrl": "Control_L", "Shift": "Shift_L", "Alt": "Alt_L"}


class Screen:
    """An X display with keyboard, mouse and clipboard."""

    # A position outside all controls.
    AWAY = (1, 1)

    def __init__(self):
        self.display = Xlib.display.Display()
        self.root = self.display.screen().root
        # An invisible window that owns selections and receives replies.
        self.own = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent,
                                           event_mask=X.PropertyChangeMask)
        # Windows send their answers to pings here.
        self.root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self.offered = {}
        self.pings = 0
        self.atom = self.display.intern_atom

    # Windows.

    def windows(self, wm_class):
        """Windows of a class, ignoring case, that the window manager shows."""
        listed = self.root.get_full_property(self.atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
        found = []
        for number in listed.value if listed else []:
            window = self.display.create_resource_object("window", number)
            try:
                names = window.get_wm_class() or ()
                shown = window.get_attributes().map_state == X.IsViewable
            except Xlib.error.XError:
                continue  # It went while we looked.
            if shown and wm_class in [name.lower() for name in names]:
                found.append(window)
        return found

    def title(self, window):
        """Title of a window."""
        try:
            for name in ("_NET_WM_NAME", "WM_NAME"):
                found = window.get_full_property(self.atom(name), X.AnyPropertyType)
                if found:
                    value = found.value
                    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        except Xlib.error.XError:
            pass  # It went while we looked.
        return ""

    def activate(self, window):
        """Focuses a window."""
        def active():
            found = self.root.get_full_property(self.atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType)
            return found is not None and list(found.value)[:1] == [window.id]

        def ask():
            if active():
                return True
            data = [2, X.CurrentTime, 0, 0, 0]
            self.message(self.root, window, "_NET_ACTIVE_WINDOW", data,
                         X.SubstructureRedirectMask | X.SubstructureNotifyMask)
            return False

        wait("the window manager gives the keyboard to the window", ask, 10, 0.1)

    def close(self, window):
        """Asks a window to close, as its close button does."""
        data = [self.atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0]
        self.message(window, window, "WM_PROTOCOLS", data)

    def message(self, to, about, kind, data, mask=0):
        """Sends a client message."""
        sent = events.ClientMessage(window=about, client_type=self.atom(kind), data=(32, data))
        to.send_event(sent, event_mask=mask)
        self.display.flush()

    def place(self, window, across, down):
        """Converts a position, in fractions of the window's size, to screen coordinates."""
        size = window.get_geometry()
        at = window.translate_coords(self.root, 0, 0)
        return int(-at.x + size.width * across), int(-at.y + size.height * down)

    # Keys and mouse.

    def _code(self, name):
        symbol = Xlib.XK.string_to_keysym(name)
        places = self.display.keysym_to_keycodes(symbol)
        for code, index in places:
            if index in (0, 1):
                return code, index == 1
        raise Failure(f"the keyboard has no key {name}")

    def _strike(self, code, held):
        for modifier in held:
            xtest.fake_input(self.display, X.KeyPress, self._code(MODIFIERS[modifier])[0])
        xtest.fake_input(self.display, X.KeyPress, code)
        xtest.fake_input(self.display, X.KeyRelease, code)
        for modifier in reversed(held):
            xtest.fake_input(self.display, X.KeyRelease, self._code(MODIFIERS[modifier])[0])
        self.display.sync()

    def key(self, keys):
        """Presses a key, such as "Return", "F5" or "Ctrl+Shift+z"."""
        *held, name = keys.split("+") if not keys.endswith("++") else [*keys[:-2].split("+"), "+"]
        code, shifted = self._code(SIGNS.get(name, name))
        if shifted and "Shift" not in held:
            held.append("Shift")
        self._strike(code, held)

    def type(self, text):
        """Types an ASCII text at the speed of a very fast typist."""
        for sign in text:
            code, shifted = self._code(SIGNS.get(sign, sign))
            self._strike(code, ["Shift"] if shifted else [])
            time.sleep(0.008)

    def point(self, x, y):
        """Moves the mouse."""
        xtest.fake_input(self.display, X.MotionNotify, x=x, y=y)
        self.display.sync()

    def click(self, x, y):
        """Clicks with the left button."""
        self.point(x, y)
        for kind in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self.display, kind, 1)
            self.display.sync()

    # Selections: the clipboard and drag-and-drop data.

    def _take(self, selection, target, content):
        """Takes ownership of a selection."""
        self.offered[self.atom(selection)] = (self.atom(target), content)
        self.own.set_selection_owner(self.atom(selection), X.CurrentTime)
        self.display.sync()

    def _next(self, wanted, timeout):
        """Next wanted event. Meanwhile, answers requests for the selections owned here."""
        end = time.monotonic() + timeout
        while True:
            while self.display.pending_events():
                event = self.display.next_event()
                if event.type == X.SelectionRequest:
                    self._serve(event)
                elif wanted(event):
                    return event
            left = end - time.monotonic()
            if left <= 0:
                return None
            select.select([self.display.fileno()], [], [], min(left, 0.05))

    def _serve(self, event):
        """Sends the content of a selection owned here."""
        target, content = self.offered.get(event.selection, (None, b""))
        place = event.property or event.target
        if event.target == target:
            event.requestor.change_property(place, target, 8, content)
        else:
            place = X.NONE
        answer = events.SelectionNotify(
            time=event.time, requestor=event.requestor, selection=event.selection,
            target=event.target, property=place)
        event.requestor.send_event(answer)
        self.display.flush()

    def clear_clipboard(self):
        """Takes ownership of the clipboard, so that a later copy can be recognised."""
        self._take("CLIPBOARD", "UTF8_STRING", b"")

    def clipboard(self):
        """Text that another program has put on the clipboard; None if there is none."""
        selection, place = self.atom("CLIPBOARD"), self.atom("NEARSAY_TEST")
        owner = self.display.get_selection_owner(selection)
        if owner == X.NONE or owner == self.own:
            return None
        self.own.convert_selection(selection, self.atom("UTF8_STRING"), place, X.CurrentTime)
        self.display.flush()
        told = self._next(lambda e: e.type == X.SelectionNotify and e.selection == selection, 2)
        if told is None or told.property == X.NONE:
            return None
        found = self.own.get_full_property(place, X.AnyPropertyType)
        self.own.delete_property(place)
        return found.value.decode() if found else None

    def drop(self, window, path, hovering=lambda: None, timeout=10):
        """Drops a file on the middle of the window (XDND, version 5).

        `hovering` is called while the file is above the window.
        """
        if window.get_full_property(self.atom("XdndAware"), X.AnyPropertyType) is None:
            raise Failure("the window takes no drops: it has no XdndAware")
        address = "file://" + urllib.parse.quote(str(path)) + "\r\n"
        self._take("XdndSelection", "text/uri-list", address.encode())
        x, y = self.place(window, 0.5, 0.5)
        own, version = self.own.id, 5 << 24
        self.message(window, window, "XdndEnter", [own, version, self.atom("text/uri-list"), 0, 0])
        self.point(x, y)
        copy = self.atom("XdndActionCopy")
        where = [own, 0, x << 16 | y, X.CurrentTime, copy]
        self.message(window, window, "XdndPosition", where)
        status = self._told("XdndStatus", timeout)
        if not status[1] & 1:
            raise Failure("the window does not take the file: XdndStatus says no")
        hovering()
        self.message(window, window, "XdndDrop", [own, 0, X.CurrentTime, 0, 0])
        finished = self._told("XdndFinished", timeout)
        if not finished[1] & 1:
            raise Failure("the window did not take the file: XdndFinished says no")

    def _told(self, kind, timeout):
        """Data of a client message to this program."""
        wanted = self.atom(kind)
        told = self._next(
            lambda e: e.type == X.ClientMessage and e.client_type == wanted, timeout)
        if told is None:
            raise Failure(f"no {kind} within {timeout:g} s")
        return told.data[1]

    # Pictures.

    def pixels(self, window):
        """Width, height and pixels of a window, four bytes each: blue, green, red, unused."""
        size = window.get_geometry()
        taken = window.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        return size.width, size.height, taken.data

    def _ping(self, window, timeout):
        """Waits until the window has processed all events so far (_NET_WM_PING)."""
        self.pings += 1
        kind, number = self.atom("_NET_WM_PING"), self.pings
        self.message(window, window, "WM_PROTOCOLS", [kind, number, window.id, 0, 0])

        def answers(event):
            return (event.type == X.ClientMessage and event.window == self.root
                    and list(event.data[1][:2]) == [kind, number])

        if self._next(answers, timeout) is None:
            raise Failure(f"the window does not answer for {timeout:g} s")

    def settle(self, window, timeout=5.0):
        """Waits until the window has processed all keys and its picture no longer changes.

        A window draws between two answers, and may want to draw once more.
        """
        for _ in range(3):
            self._ping(window, 2 * timeout)
        end = time.monotonic() + timeout
        last = None
        while time.monotonic() < end:
            now = zlib.crc32(self.pixels(window)[2])
            if now == last:
                return
            last = now
            time.sleep(0.07)

    def shot(self, window, path):
        """Writes a PNG of the window."""
        width, height, data = self.pixels(window)
        rgb = bytearray(width * height * 3)
        for place, source in enumerate((2, 1, 0)):
            rgb[place::3] = data[source::4]
        stride = width * 3
        lines = b"".join(b"\0" + rgb[y * stride:(y + 1) * stride] for y in range(height))

        def chunk(kind, content):
            check = zlib.crc32(kind + content)
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                         + chunk(b"IDAT", zlib.compress(lines, 6)) + chunk(b"IEND", b""))
