//! The Rust API: the builder and the handle.
#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(all(unix, feature = "std"))]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use qemu_fork::{End, Process, RunOptions, Spawn, SpawnError, Stdio, Step};

const LONG: Duration = Duration::from_secs(60);

/// To run a script.
fn sh(script: &str) -> Spawn {
    let mut spawn = Spawn::new("sh");
    spawn.args(["-c", script]);
    spawn
}

/// What it wrote to stdout, and that it ended well.
fn output(spawn: &mut Spawn) -> String {
    let child = spawn.stdout(Stdio::Pipe).spawn().unwrap();
    let mut text = String::new();
    child.take_stdout().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().code(), Some(0), "{text}");
    text
}

/// A child that lives until its stdin is closed, which is when the second is dropped.
fn cat() -> (Process, File) {
    let child = Spawn::new("cat").stdin(Stdio::Pipe).spawn().unwrap();
    let stdin = child.take_stdin().unwrap();
    (child, stdin)
}

fn refused(result: Result<Process, SpawnError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.step(), Step::Arguments);
    assert_eq!(error.errno().as_raw(), libc::EINVAL);
    error.to_string()
}

#[test]
fn arguments_reach_the_program() {
    assert_eq!(output(Spawn::new("printf").arg("[%s]").args(["a b", "", "ü"])), "[a b][][ü]");
    assert_eq!(output(Spawn::new("/bin/sh").arg0("me").args(["-c", "echo $0"])), "me\n");
}

#[test]
fn environment() {
    let inherited = std::env::var("PATH").unwrap();
    assert_eq!(output(sh("echo $PATH").env("OTHER", "1")), format!("{inherited}\n"));
    assert_eq!(output(sh("echo $A-$B").env("A", "1").env("A", "2").envs([("B", "3")])), "2-3\n");
    assert_eq!(output(sh("echo ${A-none}").env("A", "1").env_remove("A")), "none\n");
    assert_eq!(output(sh("echo ${A-none}").env_remove("A").env("A", "1")), "1\n");
    assert_eq!(output(Spawn::new("env").env("GONE", "1").env_clear().env("KEPT", "2")), "KEPT=2\n");
}

#[test]
fn working_directory() {
    assert_eq!(output(Spawn::new("pwd").current_dir("/")), "/\n");
    let error = Spawn::new("true").current_dir("/not/there").spawn().unwrap_err();
    assert_eq!(error.step(), Step::Cwd);
    assert_eq!(error.to_string(), "cannot change directory to '/not/there': No such file or directory");
}

#[test]
fn a_failed_exec_is_an_error_of_the_call() {
    let error = Spawn::new("/not/there").spawn().unwrap_err();
    assert_eq!(error.step(), Step::Exec);
    assert_eq!(error.errno().as_raw(), libc::ENOENT);
    assert_eq!(error.to_string(), "cannot execute '/not/there': No such file or directory");
    let error = std::io::Error::from(error);
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(error.to_string(), "cannot execute '/not/there': No such file or directory");

    let error = Spawn::new("no-such-program-here").spawn().unwrap_err();
    assert!(error.to_string().ends_with("(it is in no directory of PATH)"), "{error}");
    // Without a search the name is one in the working directory, which is this project's.
    let error = Spawn::new("src").no_search().spawn().unwrap_err();
    assert_eq!(error.to_string(), "cannot execute 'src': Permission denied (it is a directory)");
}

#[test]
fn pipes() {
    let child = sh("cat; echo problem >&2").stdin(Stdio::Pipe).stdout(Stdio::Pipe).stderr(Stdio::Pipe).spawn().unwrap();
    child.take_stdin().unwrap().write_all(b"through").unwrap();
    assert!(child.take_stdin().is_none(), "it was taken");
    let (mut out, mut err) = (String::new(), String::new());
    child.take_stdout().unwrap().read_to_string(&mut out).unwrap();
    child.take_stderr().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((&out[..], &err[..]), ("through", "problem\n"));
    assert!(child.wait().success());
}

#[test]
fn wait_closes_a_stdin_that_nobody_took() {
    assert!(Spawn::new("cat").stdin(Stdio::Pipe).spawn().unwrap().wait().success());
}

#[test]
fn stderr_is_merged() {
    assert_eq!(output(sh("echo one >&2; echo two").merge_stderr()), "one\ntwo\n");
}

#[test]
fn descriptors() {
    let (mut read, write) = pipe();
    let mut spawn = sh("echo to seven >&7; ls -l /proc/self/fd/8 /proc/self/fd/0 | sed 's/.*-> //'");
    let text = output(spawn.fd(write, 7).null_fd(8).stdin(Stdio::Null));
    if cfg!(target_os = "linux") {
        assert_eq!(text, "/dev/null\n/dev/null\n");
    }
    drop(spawn);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    assert_eq!(text, "to seven\n");
}

/// One without `O_CLOEXEC` is not in the child, unless it is to be.
#[cfg(target_os = "linux")]
#[test]
fn other_descriptors_are_not_inherited() {
    let file = File::open("/dev/null").unwrap();
    // SAFETY: duplicates an open descriptor.
    let leaky = unsafe { libc::dup(file.as_raw_fd()) };
    assert!(leaky >= 3);
    let script = format!("test -e /proc/self/fd/{leaky}");
    assert_eq!(sh(&script).status(None).unwrap().code(), Some(1));
    assert_eq!(sh(&script).leave_fds().status(None).unwrap().code(), Some(0));
    // SAFETY: ours.
    assert_eq!(unsafe { libc::close(leaky) }, 0);
}

/// The hexadecimal number after a word in the child's status.
#[cfg(target_os = "linux")]
fn signal_set(spawn: &mut Spawn, word: &str) -> u64 {
    let text = output(spawn);
    let line = text.lines().find_map(|line| line.strip_prefix(word)).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn signals() {
    let status = || {
        let mut spawn = Spawn::new("cat");
        spawn.arg("/proc/self/status");
        spawn
    };
    // Rust's own runtime ignores SIGPIPE, so an inheriting child does.
    let pipe = 1 << (libc::SIGPIPE - 1);
    assert_eq!(signal_set(&mut status(), "SigIgn:"), 0);
    assert_eq!(signal_set(&mut status(), "SigBlk:"), 0);
    assert_eq!(signal_set(status().inherit_signals(), "SigIgn:") & pipe, pipe);
    assert_eq!(signal_set(status().inherit_signals().default_signals([libc::SIGPIPE]), "SigIgn:") & pipe, 0);
    let hup = 1 << (libc::SIGHUP - 1);
    assert_eq!(signal_set(status().ignore_signals([libc::SIGHUP, libc::SIGKILL]), "SigIgn:"), hup);
}

#[test]
fn session_group_umask_and_limits() {
    let child = Spawn::new("cat").stdin(Stdio::Pipe).setsid().spawn().unwrap();
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::getsid(child.pid().as_raw()) }, child.pid().as_raw());
    assert!(child.wait().success());
    let child = Spawn::new("cat").stdin(Stdio::Pipe).process_group(0).spawn().unwrap();
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::getpgid(child.pid().as_raw()) }, child.pid().as_raw());
    assert!(child.wait().success());
    assert_eq!(output(sh("umask").umask(0o27)), "0027\n");
    assert_eq!(output(sh("ulimit -n").rlimit(libc::RLIMIT_NOFILE, 77, 77)), "77\n");
}

#[test]
fn credentials() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: credentials: not root, so no child can change its user");
        return;
    }
    let mut spawn = sh("id -u; id -g; id -G");
    assert_eq!(output(spawn.uid(65534).gid(65533).groups(&[65532]).no_new_privs()), "65534\n65533\n65533 65532\n");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nul = std::ffi::OsStr::from_bytes(b"a\0b");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(Spawn::new("").spawn()), "cannot spawn: argv[0] is empty");
    assert_eq!(refused(spawn.arg(nul).spawn()), "cannot spawn: an argument has a NUL byte in it");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(spawn.env("A=B", "").spawn()), "cannot spawn: the name of a variable, 'A=B', has an = in it");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(spawn.env("", "x").spawn()), "cannot spawn: env_set[0] '=x' is no NAME=value");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(spawn.ignore_signals([1, 0]).spawn()), "cannot spawn: ignored[1], 0, is no signal");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(spawn.setsid().process_group(0).spawn()), "cannot spawn: SETSID excludes SET_PGID");
    let mut spawn = Spawn::new("true");
    assert_eq!(refused(spawn.null_fd(7).null_fd(7).spawn()), "cannot spawn: descriptor 7 of the child is mapped twice");
    let error = Spawn::new("true").stdout(Stdio::Pipe).status(None).unwrap_err();
    assert_eq!((error.step(), &error.to_string()[..]), (Step::Arguments, "cannot spawn: status() takes no pipe"));
}

#[test]
fn run_tells_how_it_ended() {
    let status = sh("exit 3").status(Some(LONG)).unwrap();
    assert_eq!((status.code(), status.signal(), status.success()), (Some(3), None, false));
    assert_eq!(status.end(), End::Exited(3));
    assert_eq!(status.to_string(), "exited with status 3");
    let status = sh("kill -KILL $$").status(None).unwrap();
    assert_eq!((status.code(), status.signal(), status.core_dumped()), (None, Some(libc::SIGKILL), false));
    assert!(matches!(status.end(), End::Signaled { signal: libc::SIGKILL, .. }));
    assert_eq!(status.to_string(), "killed by signal 9 (SIGKILL)");
}

#[test]
fn run_kills_what_takes_too_long() {
    let error = Spawn::new("sleep").arg("1000").status(Some(Duration::from_millis(1))).unwrap_err();
    assert_eq!(error.step(), Step::None);
    assert_eq!(error.errno().as_raw(), libc::ETIMEDOUT);
    assert_eq!(error.to_string(), "'sleep' did not end within 1 ms and was killed");
}

#[test]
fn waiting() {
    let (child, stdin) = cat();
    assert_eq!(child.try_wait(), None);
    assert_eq!(child.wait_timeout(Duration::from_micros(1)), None);
    drop(stdin);
    assert!(child.wait().success());
    // Again and again, and in every way.
    assert!(child.wait().success());
    assert!(child.try_wait().unwrap().success());
    assert!(child.wait_timeout(Duration::ZERO).unwrap().success());
}

#[test]
fn usage() {
    let (child, stdin) = cat();
    assert_eq!(child.usage().unwrap_err().errno().as_raw(), libc::EBUSY);
    drop(stdin);
    child.wait();
    let usage = child.usage().unwrap();
    assert!(usage.user.is_some() && usage.system.is_some() && usage.wall > Duration::ZERO, "{usage:?}");
    assert_eq!(child.usage().unwrap(), usage);
}

#[test]
fn several_threads_wait_for_one_child() {
    let (child, stdin) = cat();
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| child.wait())).collect();
        drop(stdin);
        for waiter in waiters {
            assert!(waiter.join().unwrap().success());
        }
    });
}

#[test]
fn kill_and_stop() {
    let (child, _stdin) = cat();
    child.kill(libc::SIGKILL).unwrap();
    assert_eq!(child.wait().signal(), Some(libc::SIGKILL));
    let error = child.kill(libc::SIGTERM).unwrap_err();
    assert_eq!(error.errno().as_raw(), libc::ESRCH);
    let pid = child.pid().as_raw();
    assert_eq!(error.to_string(), format!("cannot send signal 15 to process {pid}: it has ended"));
    assert_eq!(child.stop(None).unwrap().signal(), Some(libc::SIGKILL));

    let (child, _stdin) = cat();
    assert_eq!(child.stop(Some(LONG)).unwrap().signal(), Some(libc::SIGTERM));
    // One that does not listen, and says so before it is asked.
    let child = sh("trap '' TERM; echo deaf; cat").stdin(Stdio::Pipe).stdout(Stdio::Pipe).spawn().unwrap();
    let mut line = [0; 5];
    child.take_stdout().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(child.stop(Some(Duration::from_millis(1))).unwrap().signal(), Some(libc::SIGKILL));
}

/// The descriptor of the process becomes readable when it has ended.
#[cfg(target_os = "linux")]
#[test]
fn pidfd() {
    let (child, stdin) = cat();
    let Some(pidfd) = child.pidfd() else {
        assert_eq!(child.way(), "fork", "there are descriptors of processes wherever there is clone()");
        eprintln!("SKIPPED: pidfd: this system has none");
        return;
    };
    let mut poll = libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one.
    assert_eq!(unsafe { libc::poll(&raw mut poll, 1, 0) }, 0);
    drop(stdin);
    // SAFETY: there is one.
    assert_eq!(unsafe { libc::poll(&raw mut poll, 1, -1) }, 1);
    assert!(child.try_wait().unwrap().success());
}

#[test]
fn a_detached_child_is_the_programs_to_reap() {
    let (child, stdin) = cat();
    let pid = child.pid().as_raw();
    child.detach();
    drop(stdin);
    assert!(child.wait().success());
    drop(child);
    let mut status = -1;
    // SAFETY: there is room for a status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
}

#[test]
fn dropping_reaps_what_has_ended_and_leaves_what_lives() {
    let (child, stdin) = cat();
    let pid = child.pid().as_raw();
    drop(child);
    // SAFETY: signal 0 is none.
    assert_eq!(unsafe { libc::kill(pid, 0) }, 0);
    drop(stdin);
    let mut status = -1;
    // SAFETY: there is room for a status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
}

#[cfg(target_os = "linux")]
#[test]
fn kill_on_drop_kills_and_reaps() {
    let child = Spawn::new("cat").stdin(Stdio::Pipe).kill_on_drop().spawn().unwrap();
    let (pid, stdin) = (child.pid().as_raw(), child.take_stdin());
    child.detach();
    drop(child);
    // SAFETY: NULL: the status is not wanted.
    assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }, -1, "nothing is left to reap");
    drop(stdin);
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_reaps_a_detached_one() {
    let child = Spawn::new("cat").stdin(Stdio::Pipe).detached().spawn().unwrap();
    assert!(child.way().contains('+'), "{}", child.way());
    assert!(child.try_wait().is_none());
    drop(child.take_stdin());
    let _ = child.wait(); // how it ended is not known everywhere
                          // SAFETY: NULL: the status is not wanted.
    assert_eq!(unsafe { libc::waitpid(child.pid().as_raw(), std::ptr::null_mut(), 0) }, -1, "nothing to reap");
}

/// What is started with a death signal outlives the thread that has started it.
#[cfg(target_os = "linux")]
#[test]
fn death_signal_is_not_of_the_thread() {
    let start = || Spawn::new("cat").stdin(Stdio::Pipe).death_signal(libc::SIGKILL).spawn().unwrap();
    let child = std::thread::spawn(start).join().unwrap();
    assert!(child.wait().success());
}

/// A handle and a builder go where they are needed.
#[test]
fn threads() {
    fn sync<T: Send + Sync>() {}
    sync::<Process>();
    sync::<Spawn>();
    sync::<SpawnError>();
}

/// Both ends of a pipe: the standard library has this since 1.87 only.
fn pipe() -> (File, OwnedFd) {
    use std::os::fd::FromRawFd;
    let mut ends = [-1; 2];
    // SAFETY: there is room for two.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: fresh.
    let [read, write] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    (read.into(), write)
}

/// Files, closed descriptors, and a file for one of the first three.
#[test]
fn descriptors_that_the_child_opens() {
    let path = std::env::temp_dir().join(format!("qemu-fork-files-{}", std::process::id()));
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    let mut spawn = sh("echo out; echo err >&2; readlink /proc/self/fd/0 >&2");
    spawn.stdin(Stdio::Null).merge_stderr().file(&path, flags, 0o600, 1);
    assert!(spawn.status(None).unwrap().success());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "out\nerr\n/dev/null\n");
    let file = std::fs::File::open(&path).unwrap();
    assert_eq!(output(Spawn::new("head").arg("-n1").stdin(file.into())), "out\n");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output(sh("test -e /proc/self/fd/0 || echo closed").fd_closed(0)), "closed\n");
    let error = Spawn::new("true").file("/nowhere/file", flags, 0, 3).spawn().unwrap_err();
    assert_eq!(error.step(), Step::Files);
    assert!(error.to_string().starts_with("cannot open '/nowhere/file' as the child's descriptor 3: "), "{error}");
}

#[test]
fn scheduling_and_paths() {
    assert_eq!(output(Spawn::new("nice").nice(19)), "19\n");
    assert!(Spawn::new("true").clean_sched().status(None).unwrap().success());
    let error = Spawn::new("true").search_child_path().env("PATH", "/nowhere").spawn().unwrap_err();
    assert_eq!(error.errno().as_raw(), libc::ENOENT);
    assert!(Spawn::new("true").search_child_path().status(None).unwrap().success());
    let error = Spawn::new("true").keep_groups().spawn().unwrap_err();
    assert_eq!(error.to_string(), "cannot spawn: KEEP_GROUPS needs SET_UID");
    let error = Spawn::new("true").into_cgroup(std::fs::File::open("/dev/null").unwrap()).spawn().unwrap_err();
    assert_eq!((error.step(), error.errno().as_raw()), (Step::Cgroup, libc::EBADF));
    let error = Spawn::new("true").setsid().foreground().spawn().unwrap_err();
    assert_eq!(error.to_string(), "cannot spawn: SETSID excludes FOREGROUND");
}

#[test]
fn what_a_builder_has_can_be_asked() {
    let mut spawn = Spawn::new("prog");
    spawn.arg("one").current_dir("/tmp").env("A", "b").env_remove("C");
    assert_eq!(spawn.get_program(), "prog");
    assert_eq!(spawn.get_args().collect::<Vec<_>>(), ["one"]);
    assert_eq!(spawn.get_current_dir().unwrap(), "/tmp");
    let envs =
        spawn.get_envs().map(|(name, value)| (name.to_str().unwrap(), value.map(|value| value.to_str().unwrap())));
    assert_eq!(envs.collect::<Vec<_>>(), [("A", Some("b")), ("C", None)]);
    assert_eq!(Spawn::new("prog").get_current_dir(), None);
    let status = sh("exit 3").status(None).unwrap();
    assert_eq!(format!("{status:?}"), "Status(exited with status 3)");
    let killed = sh("kill -9 $$").status(None).unwrap();
    assert_eq!(format!("{killed:?}"), "Status(killed by signal 9 (SIGKILL))");
}

/// Each of the three errors, converted, and the errors of others.
#[test]
fn a_converted_error_has_its_errno() {
    use qemu_fork::raw_os_error;
    use std::io::Error;
    let spawn = Error::from(Spawn::new("/not/there").spawn().unwrap_err());
    assert_eq!(raw_os_error(&spawn), Some(libc::ENOENT));
    let (cat, _stdin) = cat();
    assert_eq!(raw_os_error(&Error::from(cat.kill(4711).unwrap_err())), Some(libc::EINVAL));
    let run = Error::from(sh("exit 3").run(RunOptions::new().check()).unwrap_err());
    assert_eq!(raw_os_error(&run), Some(libc::EIO));
    assert_eq!(raw_os_error(&Error::from_raw_os_error(libc::EPERM)), Some(libc::EPERM));
    assert_eq!(raw_os_error(&Error::other("a sentence")), None);
}

/// A file, a socket and an end of a pipe, each by its own type.
#[test]
fn stdio_is_made_from_what_is_open() {
    let dev_null = File::options().read(true).write(true).open("/dev/null").unwrap();
    let target = "readlink /proc/self/fd/0";
    assert_eq!(output(sh(target).stdin(Stdio::from(dev_null.try_clone().unwrap()))), "/dev/null\n");
    assert_eq!(output(sh(target).stdin(OwnedFd::from(dev_null).into())), "/dev/null\n");
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.write_all(b"by a socket\n").unwrap();
    assert_eq!(output(Spawn::new("head").arg("-n1").stdin(theirs.into())), "by a socket\n");
}
