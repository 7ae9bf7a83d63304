"""Holds every execution of the given program, as a file system that does not answer does, until its standard input ends.

Prints `ready`, or `refused: ...` where the system does not allow it, and `held PID` for each process that it holds.
"""

import ctypes
import os
import struct
import sys
import threading

CLASS_CONTENT, CLOEXEC = 4, 1
MARK_ADD, OPEN_EXEC_PERM = 1, 0x00040000
AT_FDCWD = -100

system = ctypes.CDLL(None, use_errno=True)
system.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]
events = system.fanotify_init(CLASS_CONTENT | CLOEXEC, os.O_RDONLY | os.O_CLOEXEC)
if events < 0 or system.fanotify_mark(events, MARK_ADD, OPEN_EXEC_PERM, AT_FDCWD, os.fsencode(sys.argv[1])) != 0:
    print("refused:", os.strerror(ctypes.get_errno()), flush=True)
    sys.exit()
print("ready", flush=True)


def hold():
    while True:
        event = os.read(events, 24)
        (process,) = struct.unpack_from("i", event, 20)
        print("held", process, flush=True)


threading.Thread(target=hold, daemon=True).start()
sys.stdin.read()
# The system lets all of them go on.
os._exit(0)
