"""What a QEMU that has the library does: its own tests, migration through a program, and what it says if it cannot
fork."""
import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

DENY_FORK = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "deny_fork.py")]
MACHINE = ["-M", "arduino-mega-2560-v3", "-display", "none", "-S", "-qmp", "stdio"]
# For what takes a moment: only a loaded machine needs more.
PATIENCE = 120
CANNOT_FORK = "cannot fork child process: "


class Monitor:
    """A QEMU that is told what to do in QMP."""

    def __init__(self, program, *options, before=(), env=None):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([*before, program, *MACHINE, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self._line()  # its greeting
        self.ask("qmp_capabilities")

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(self.process.stderr.read())
        return json.loads(line)

    def ask(self, what, **arguments):
        """The answer to a command. Events are passed over."""
        print(json.dumps({"execute": what, "arguments": arguments}), file=self.process.stdin, flush=True)
        while True:
            answer = self._line()
            if "event" not in answer:
                return answer.get("return", answer.get("error"))

    def until(self, what, done):
        """Asks again and again until `done` is true of the answer. Returns the last one."""
        deadline = time.monotonic() + PATIENCE
        while not done(answer := self.ask(what)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return answer

    def quit(self):
        """Ends it, and returns its status."""
        self.ask("quit")
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def own_tests(report, folder, env):
    """QEMU's tests of the only caller, and of what forks beside it."""
    if not shutil.which("socat"):
        report.skip("test-io-channel-command", "there is no socat, without which this test tests nothing")
        return
    for name in "test-io-channel-command", "test-io-task":
        result = subprocess.run([os.path.join(folder, "tests", name)], check=False, capture_output=True, text=True,
                                env=env, cwd=folder, timeout=PATIENCE)
        passed = len(re.findall(r"^ok \d+ ", result.stdout, flags=re.M))
        report.check(f"QEMU's {name}: {passed} tests", result.returncode == 0 and passed > 0,
                     result.stdout + result.stderr)


def migration(report, folder, env):
    """Out to a program, and in from another one."""
    program, file = os.path.join(folder, "qemu-system-avr"), os.path.join(folder, "migrated")
    out = Monitor(program, env=env)
    refused = out.ask("migrate", uri=f"exec:cat > {file}")
    state = out.until("query-migrate", lambda answer: answer.get("status") in ("completed", "failed"))
    status = out.quit()
    report.check("migrate exec: writes to a program", not refused and state.get("status") == "completed" and status == 0
                 and os.path.getsize(file) > 0, f"{refused} {state} {status}")
    into = Monitor(program, "-incoming", f"exec:cat {file}", env=env)
    state = into.until("query-status", lambda answer: answer.get("status") != "inmigrate")
    status = into.quit()
    report.check("-incoming exec: reads from one", state.get("status") in ("paused", "prelaunch") and status == 0,
                 f"{state} {status}")


def refusal(report, folder, env):
    """Where fork() is denied, QEMU says so and goes on, or says so and ends."""
    program = os.path.join(folder, "qemu-system-avr")
    for error in errno.EAGAIN, errno.ENOMEM, errno.EPERM, errno.ENOSYS:
        text, name = CANNOT_FORK + os.strerror(error), errno.errorcode[error]
        denied = Monitor(program, before=[*DENY_FORK, name], env=env)
        answer = denied.ask("migrate", uri="exec:cat")
        report.check(f"a migration that cannot fork fails with the reason, {name}",
                     answer == {"class": "GenericError", "desc": text}, str(answer))
        running = denied.ask("query-status")
        report.check("and QEMU goes on", "status" in running and denied.quit() == 0, str(running))
        result = subprocess.run([*DENY_FORK, name, program, *MACHINE, "-incoming", "exec:cat"], check=False,
                                capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        report.check("-incoming that cannot fork ends QEMU with the reason",
                     result.returncode == 1 and result.stderr.endswith(f": {text}\n"),
                     f"{result.returncode} {result.stderr}")


def nbd(report, folder, env):
    """qemu-nbd forks by itself, and is not disturbed."""
    image, path, pid_file = (os.path.join(folder, name) for name in ("image", "nbd.socket", "nbd.pid"))
    with open(image, "wb") as file:
        file.truncate(1 << 20)
    # Into a file: the server keeps what it was given, so the end of a pipe would not come.
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run([os.path.join(folder, "qemu-nbd"), "--fork", "--persistent", "--format=raw",
                                 f"--socket={path}", f"--pid-file={pid_file}", image], check=False, stdout=output,
                                stderr=output, env=env, timeout=PATIENCE)
        output.seek(0)
        said = output.read()
    greeting = b""
    if result.returncode == 0:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            greeting = connection.recv(8, socket.MSG_WAITALL)
        with open(pid_file, encoding="ascii") as file:
            os.kill(int(file.read()), 15)
    report.check("qemu-nbd --fork starts and serves", greeting == b"NBDMAGIC", said)


def linked(report, folder, env, how):
    """Which qemu_fork() is in the program, found out as the guide says."""
    program = os.path.join(folder, "qemu-system-avr")
    symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    if how == "shared":
        report.check("the program wants the library's qemu_fork()",
                     re.search(r" U qemu_fork@QEMU_FORK_HOST_0$", symbols, flags=re.M))
        bindings = subprocess.run([program, "--version"], check=True, capture_output=True, text=True,
                                  env=dict(env, LD_DEBUG="bindings", LD_BIND_NOW="1")).stderr
        found = re.findall(r"binding file (\S+) .* to (\S+) .*`qemu_fork'.*", bindings)
        report.check("and gets it", [os.path.basename(name) for pair in found for name in pair] == [
            "qemu-system-avr", "libqemu_fork_host.so.0"], str(found))
    else:
        names = re.findall(r" T (qemu_fork|qemu_fork_version)$", symbols, flags=re.M)
        report.check("the program has the library's qemu_fork()", sorted(names) == ["qemu_fork", "qemu_fork_version"],
                     str(names))
        stripped = program + ".stripped"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        with open(stripped, "rb") as file:
            report.check("stripped, it has the library's version", b"(host-error)" in file.read())
        os.remove(stripped)
    if how == "static":
        needed = subprocess.run(["readelf", "-dW", program], check=True, capture_output=True, text=True).stdout
        report.check("it needs no shared library", "(NEEDED)" not in needed, needed)


def spawns(report, folder, env, name):
    """Our own program in QEMU's tree."""
    for command, status, said in (["sh", "-c", "exit 0"], 1, "(PATH was not searched)"), (
            ["/bin/sh", "-c", "exit 3"], 1, "/bin/sh exited with status 3"), (["/bin/sh", "-c", "exit 0"], 0, ""):
        result = subprocess.run([os.path.join(folder, name), *command], check=False, capture_output=True, text=True,
                                env=env, timeout=PATIENCE)
        report.check(f"qemu_spawn_sync() of {' '.join(command)}: {said or 'runs'}",
                     result.returncode == status and result.stderr.rstrip().endswith(said),
                     f"{result.returncode} {result.stderr}")


def not_linked(report, folder, name):
    """Neither the archive nor the shared library is in a program that does not call it."""
    program = os.path.join(folder, name)
    symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    report.check(f"{name} has no function of the library", not re.search(r"\bqemu_fork", symbols))
    needed = subprocess.run(["readelf", "-dW", program], check=True, capture_output=True, text=True).stdout
    report.check("and does not load it", "libqemu_fork" not in needed)
