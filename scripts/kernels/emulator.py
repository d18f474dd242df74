"""Boots a kernel in full emulation, and reads its output."""
import os
import subprocess
import time

from platforms.build import read
from platforms.report import Failure

# Seconds of the emulator's own work without output, and seconds of any kind. A kernel that has not started its first
# process by then, or a machine that hangs, is ended. Each test prints something, and init ends tests that hang.
SILENCE = 900
SILENCE_IN_ALL = 2700
COMMAND = [
    "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-cpu", "max",
    "-m", "1024", "-no-reboot",
    # Its clock counts instructions, two nanoseconds for each, and an idle machine goes on to the next timer at once. So
    # no limit of time inside passes because this machine has much else to do.
    "-icount", "shift=1,sleep=off",
]
# A panic ends the emulator. Mitigations for processor bugs are not needed here, and are slow.
PARAMETERS = "console=ttyS0 quiet panic=-1 mitigations=off"


def seconds_of_work(pid):
    """How long this process has had a processor."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def last_lines(path, count=25):
    """The last output of a port."""
    return "\n".join(read(path).splitlines()[-count:])


class Machine:
    """One emulator. Its two serial ports write into files: the console, and the output of init."""

    def __init__(self, kernel, initramfs, folder):
        self.console = os.path.join(folder, "console")
        self.output = os.path.join(folder, "output")
        os.makedirs(folder, exist_ok=True)
        for path in (self.console, self.output):
            with open(path, "w", encoding="utf-8"):
                pass
        self.command = [*COMMAND, "-kernel", kernel, "-initrd", initramfs, "-append", PARAMETERS,
                        "-serial", "file:" + self.console, "-serial", "file:" + self.output]

    def run(self):
        """From power on to power off."""
        with open(self.console + ".emulator", "w+", encoding="utf-8") as errors:
            with subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors) as process:
                try:
                    ended = self._await_end(process)
                finally:
                    process.kill()
            errors.seek(0)
            words = errors.read().strip()
        text = self.told()
        if not ended:
            raise Failure(f"nothing was said for {SILENCE} seconds of work: {self._last_words(text)}")
        if process.returncode != 0:
            raise Failure(f"the emulator ended with {process.returncode}: {words or self._last_words(text)}")
        if "\n::: done " not in text:
            raise Failure(f"it stopped before it had said the final line: {self._last_words(text)}")

    def told(self):
        """The output of init, complete or not."""
        return read(self.output)

    def _await_end(self, process):
        """Whether it has ended by itself."""
        size, since, work = -1, 0.0, 0.0
        while True:
            try:
                process.wait(timeout=1)
                return True
            except subprocess.TimeoutExpired:
                now = sum(os.path.getsize(path) for path in (self.console, self.output))
                if now != size:
                    size, since, work = now, time.monotonic(), seconds_of_work(process.pid)
                elif seconds_of_work(process.pid) - work > SILENCE or time.monotonic() - since > SILENCE_IN_ALL:
                    return False

    def _last_words(self, text):
        where = "init was running" if "::: booted" in text else "init had not started"
        return f"{where}\non the console:\n{last_lines(self.console)}\nfrom init:\n{last_lines(self.output)}"
