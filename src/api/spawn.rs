//! The builder: a program, and all that its process shall have.

use core::ffi::c_int;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::vec::Vec;

use crate::spawn::request::Flags;

/// One of the child's first three descriptors.
#[derive(Debug, Default)]
pub enum Stdio {
    /// The parent's.
    #[default]
    Inherit,
    /// /dev/null.
    Null,
    /// A pipe. [`Process::take_stdin()`](super::Process::take_stdin) and its siblings return the other end.
    Pipe,
    /// This descriptor. The builder keeps it open until it is dropped.
    Fd(OwnedFd),
}

/// From a file, a socket, an end of a pipe.
impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(fd: T) -> Self {
        Self::Fd(fd.into())
    }
}

/// Where a descriptor of the child comes from.
#[derive(Debug)]
pub(super) enum Source {
    Fd(OwnedFd),
    Null,
    Closed,
}

/// A file that the child opens.
#[derive(Debug)]
pub(super) struct FileToOpen {
    pub(super) path: OsString,
    pub(super) flags: c_int,
    pub(super) mode: u32,
    pub(super) target: RawFd,
}

/// Starts a program, from a process with any number of threads, signal handlers and gigabytes.
///
/// The names are those of [`std::process::Command`], but the child differs. It has clean signals: every one has its
/// default disposition, and none is blocked. Its only open descriptors are stdin, stdout, stderr and those that
/// [`fd()`](Self::fd) gives it; `O_CLOEXEC` makes no difference. The cost of the call does not grow with the parent's
/// memory or descriptors. An error names the step that failed.
///
/// ```
/// use std::io::Read;
/// use qemu_fork::{Spawn, Stdio};
///
/// let tr = Spawn::new("sh").args(["-c", "echo $GREETING | tr a-z A-Z"]).env("GREETING", "hello")
///     .stdout(Stdio::Pipe).spawn()?;
/// let mut text = String::new();
/// tr.take_stdout().unwrap().read_to_string(&mut text)?;
/// assert_eq!(text, "HELLO\n");
/// assert!(tr.wait().success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A program that cannot be executed is an error of the call, not a mysterious exit status:
///
/// ```
/// use qemu_fork::{Spawn, Step};
///
/// let error = Spawn::new("/etc/passwd").spawn().unwrap_err();
/// assert_eq!(error.step(), Step::Exec);
/// assert_eq!(error.errno().as_raw(), libc::EACCES);
/// assert_eq!(error.to_string(), "cannot execute '/etc/passwd': Permission denied (it is not executable)");
/// ```
///
/// [`spawn()`](Self::spawn), [`status()`](Self::status), [`run()`](Self::run) and [`start()`](Self::start) check
/// everything. What makes no sense is an error of
/// [`Step::Arguments`](crate::Step::Arguments). All may be called any number of times.
#[derive(Debug)]
pub struct Spawn {
    pub(super) program: OsString,
    pub(super) arg0: Option<OsString>,
    pub(super) args: Vec<OsString>,
    /// `None`: remove the variable.
    pub(super) env: BTreeMap<OsString, Option<OsString>>,
    pub(super) cwd: Option<OsString>,
    pub(super) fds: Vec<(Source, RawFd)>,
    pub(super) files: Vec<FileToOpen>,
    /// `None`: the caller has not set it. Then it is the parent's, or for a run /dev/null and captured.
    pub(super) stdio: [Option<Stdio>; 3],
    /// The flags of everything that has no field of its own.
    pub(super) flags: u64,
    pub(super) inherits_signals: bool,
    pub(super) ignored: Vec<c_int>,
    pub(super) defaulted: Vec<c_int>,
    pub(super) pgid: c_int,
    pub(super) umask: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    /// Resource, soft, hard.
    pub(super) rlimits: Vec<(c_int, u64, u64)>,
    pub(super) death_signal: c_int,
    pub(super) nice: c_int,
    pub(super) cgroup: Option<OwnedFd>,
}

impl Spawn {
    /// A builder for this program, which is searched for in the parent's PATH unless its name has a slash. A relative
    /// path is looked up in the directory of [`current_dir()`](Self::current_dir).
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().into(),
            arg0: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            fds: Vec::new(),
            files: Vec::new(),
            stdio: [const { None }; 3],
            flags: Flags::SEARCH_PATH,
            inherits_signals: false,
            ignored: Vec::new(),
            defaulted: Vec::new(),
            pgid: 0,
            umask: 0,
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            rlimits: Vec::new(),
            death_signal: 0,
            nice: 0,
            cgroup: None,
        }
    }

    fn set(&mut self, flag: u64) -> &mut Self {
        self.flags |= flag;
        self
    }

    /// The program, as [`new()`](Self::new) was given it.
    #[must_use]
    pub fn get_program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments, without the first, which is the program's name.
    pub fn get_args(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// The variables that were set, or with `None` removed.
    pub fn get_envs(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.env.iter().map(|(name, value)| (name.as_os_str(), value.as_deref()))
    }

    /// The child's working directory, if it was set.
    #[must_use]
    pub fn get_current_dir(&self) -> Option<&OsStr> {
        self.cwd.as_deref()
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().into());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Sets the program's `argv[0]`, which is otherwise the name given to [`new()`](Self::new).
    pub fn arg0(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.arg0 = Some(arg.as_ref().into());
        self
    }

    /// Does not search PATH: a program without a slash is looked up in the working directory.
    pub fn no_search(&mut self) -> &mut Self {
        self.flags &= !(Flags::SEARCH_PATH | Flags::SEARCH_CHILD_PATH);
        self
    }

    /// Searches the PATH of the child's environment, and not the parent's.
    pub fn search_child_path(&mut self) -> &mut Self {
        self.no_search().set(Flags::SEARCH_CHILD_PATH)
    }

    /// Sets a variable of the child's environment, which is otherwise the parent's.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.insert(name.as_ref().into(), Some(value.as_ref().into()));
        self
    }

    /// Sets variables of the child's environment.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(&mut self, vars: impl IntoIterator<Item = (N, V)>) -> &mut Self {
        for (name, value) in vars {
            self.env(name, value);
        }
        self
    }

    /// Removes a variable from the child's environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.env.insert(name.as_ref().into(), None);
        self
    }

    /// The child's environment starts empty. Variables that were set or removed before are forgotten.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env.clear();
        self.set(Flags::CLEAR_ENV)
    }

    /// The child's working directory.
    pub fn current_dir(&mut self, dir: impl AsRef<OsStr>) -> &mut Self {
        self.cwd = Some(dir.as_ref().into());
        self
    }

    /// Sets the child's stdin.
    pub fn stdin(&mut self, stdin: Stdio) -> &mut Self {
        self.stdio[0] = Some(stdin);
        self
    }

    /// Sets the child's stdout.
    pub fn stdout(&mut self, stdout: Stdio) -> &mut Self {
        self.stdio[1] = Some(stdout);
        self
    }

    /// Sets the child's stderr.
    pub fn stderr(&mut self, stderr: Stdio) -> &mut Self {
        self.stdio[2] = Some(stderr);
        self
    }

    /// The child's stderr goes to the same place as its stdout.
    pub fn merge_stderr(&mut self) -> &mut Self {
        self.set(Flags::MERGE_STDERR)
    }

    /// Gives the child a descriptor, under the number `target`. The builder keeps it open until it is dropped. So drop
    /// the builder before reading a pipe to its end if the other end is in the builder.
    ///
    /// ```
    /// use std::io::Read;
    /// use qemu_fork::Spawn;
    ///
    /// let (mut ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let child = Spawn::new("sh").args(["-c", "echo hello >&7"]).fd(theirs, 7).spawn()?;
    /// let mut text = String::new();
    /// ours.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// assert!(child.wait().success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn fd(&mut self, source: impl Into<OwnedFd>, target: RawFd) -> &mut Self {
        self.fds.push((Source::Fd(source.into()), target));
        self
    }

    /// Gives the child /dev/null, to read and to write, under the number `target`.
    pub fn null_fd(&mut self, target: RawFd) -> &mut Self {
        self.fds.push((Source::Null, target));
        self
    }

    /// The child does not have the descriptor `target`: its stdin, for example.
    pub fn fd_closed(&mut self, target: RawFd) -> &mut Self {
        self.fds.push((Source::Closed, target));
        self
    }

    /// The child opens a file as its descriptor `target`, as a shell redirects: with its own user, working directory and
    /// umask. `flags` are those of open(2), and `mode` is for a file that is created.
    ///
    /// ```
    /// use qemu_fork::Spawn;
    ///
    /// # let log = std::env::temp_dir().join(format!("qemu-fork-log-{}", std::process::id()));
    /// // sh -c "echo hello" >>log 2>&1
    /// Spawn::new("sh").args(["-c", "echo hello"]).merge_stderr()
    ///     .file(&log, libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND, 0o644, 1).status(None)?;
    /// assert_eq!(std::fs::read_to_string(&log)?, "hello\n");
    /// # std::fs::remove_file(&log)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn file(&mut self, path: impl AsRef<OsStr>, flags: c_int, mode: u32, target: RawFd) -> &mut Self {
        self.files.push(FileToOpen { path: path.as_ref().into(), flags, mode, target });
        self
    }

    /// Leaves the descriptors from 3 on to the child as exec leaves them: open unless they have `FD_CLOEXEC`.
    pub fn leave_fds(&mut self) -> &mut Self {
        self.set(Flags::LEAVE_FDS)
    }

    /// Gives the child what plain fork and exec would: the signal mask of the calling thread, and the parent's ignored
    /// signals.
    pub fn inherit_signals(&mut self) -> &mut Self {
        self.inherits_signals = true;
        self
    }

    /// Signals that the child ignores. SIGKILL, SIGSTOP, and libc's own 32 and 33 have no effect.
    pub fn ignore_signals(&mut self, signals: impl IntoIterator<Item = c_int>) -> &mut Self {
        self.ignored.extend(signals);
        self
    }

    /// Signals that have their default disposition in the child, in spite of
    /// [`inherit_signals()`](Self::inherit_signals).
    pub fn default_signals(&mut self, signals: impl IntoIterator<Item = c_int>) -> &mut Self {
        self.defaulted.extend(signals);
        self
    }

    /// The child starts a session of its own, as setsid(2) does it.
    pub fn setsid(&mut self) -> &mut Self {
        self.set(Flags::SETSID)
    }

    /// The child joins this process group, or with 0 starts one of its own.
    pub fn process_group(&mut self, pgid: c_int) -> &mut Self {
        self.pgid = pgid;
        self.set(Flags::SET_PGID)
    }

    /// The child's file mode creation mask: 0 to 0o777.
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.umask = mask;
        self.set(Flags::SET_UMASK)
    }

    /// The child's real, effective and saved user ids. Its supplementary groups are dropped, where this process may do
    /// that, unless [`groups()`](Self::groups) or [`keep_groups()`](Self::keep_groups) says otherwise.
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.uid = uid;
        self.set(Flags::SET_UID)
    }

    /// The child's real, effective and saved group ids.
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.gid = gid;
        self.set(Flags::SET_GID)
    }

    /// The child's supplementary groups.
    pub fn groups(&mut self, groups: &[u32]) -> &mut Self {
        self.groups = groups.into();
        self.set(Flags::SET_GROUPS)
    }

    /// With [`uid()`](Self::uid): the child keeps the parent's supplementary groups.
    pub fn keep_groups(&mut self) -> &mut Self {
        self.set(Flags::KEEP_GROUPS)
    }

    /// The child's process group becomes the foreground group of the controlling terminal. Unless
    /// [`process_group()`](Self::process_group) says another, that is a group of its own.
    pub fn foreground(&mut self) -> &mut Self {
        self.set(Flags::FOREGROUND)
    }

    /// The child's niceness, -20 to 19, whatever the parent's is.
    pub fn nice(&mut self, nice: c_int) -> &mut Self {
        self.nice = nice;
        self.set(Flags::SET_NICE)
    }

    /// The child is scheduled as an ordinary program, on all processors, whatever the parent is. Where the parent may
    /// change them, the niceness and oom_score_adj are 0. Linux only.
    pub fn clean_sched(&mut self) -> &mut Self {
        self.set(Flags::CLEAN_SCHED)
    }

    /// The child is made in this cgroup: an open directory of a cgroup of version 2. Linux only.
    pub fn into_cgroup(&mut self, folder: impl Into<OwnedFd>) -> &mut Self {
        self.cgroup = Some(folder.into());
        self.set(Flags::INTO_CGROUP)
    }

    /// Neither the child nor what it executes gains privileges from set-user-ID programs.
    pub fn no_new_privs(&mut self) -> &mut Self {
        self.set(Flags::NO_NEW_PRIVS)
    }

    /// A limit of the child, as setrlimit(2) has it; `u64::MAX` is no limit. `resource` is one of the libc crate's
    /// `RLIMIT_` constants, whose type differs between systems.
    pub fn rlimit(&mut self, resource: impl TryInto<c_int>, soft: u64, hard: u64) -> &mut Self {
        self.rlimits.push((resource.try_into().unwrap_or(-1), soft, hard));
        self
    }

    /// A signal that the child gets when this process ends, however it ends. Linux only.
    ///
    /// The kernel sends the signal when the thread that made the child ends. So if the caller is not the main thread, a
    /// helper thread makes the child, and ends with it.
    pub fn death_signal(&mut self, signal: c_int) -> &mut Self {
        self.death_signal = signal;
        self
    }

    /// The child lives no longer than its [`Process`](super::Process): dropping that kills and reaps it, and waits for
    /// that for a second at most. Any other end of this process kills it, too. So
    /// [`death_signal()`](Self::death_signal) must not be set. Linux only.
    ///
    /// It is tokio's `kill_on_drop`, and holds also when this process is killed.
    pub fn kill_on_drop(&mut self) -> &mut Self {
        self.set(Flags::KILL_ON_FREE)
    }

    /// Nobody has to reap the child, ever: the kernel reaps it (Linux 7.1), or init, whose child it then is. The handle
    /// tells how it ended only where the system does (Linux 6.15).
    pub fn detached(&mut self) -> &mut Self {
        self.set(Flags::DETACHED)
    }

    /// Fails if no child can share the parent's memory, instead of copying it, which costs more the larger it is.
    pub fn no_fork_fallback(&mut self) -> &mut Self {
        self.set(Flags::NO_FORK_FALLBACK)
    }
}
