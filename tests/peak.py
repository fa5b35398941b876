"""How much memory a child process takes. Its script begins with this text, and asks `peak()` before and after."""

# `resource.getrusage` would also count what the parent had, as Linux keeps that figure where a process is replaced; and
# what importing torch took for a moment would hide as much of what comes later, so `forget()` begins anew.
SOURCE = '''
import resource, sys

def forget():
    if sys.platform == "linux":
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")

def peak():
    """In bytes."""
    if sys.platform == "linux":
        with open("/proc/self/status") as file:
            return 1024 * int(file.read().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
'''
