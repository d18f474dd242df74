// qemu-fork by koffi.
//
// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const util = require('node:util');
const koffi = require('koffi');

const constants = {
  SPAWN_SEARCH_PATH: 1 << 0,
  SPAWN_SET_UID: 1 << 4,
  SPAWN_NULL_STDOUT: 1 << 10,
  SPAWN_NULL_STDERR: 1 << 11,
  SPAWN_PIPE_STDOUT: 1 << 13,
  SPAWN_MERGE_STDERR: 1 << 15,
  SPAWN_SEARCH_CHILD_PATH: 1 << 18,
  SPAWN_KEEP_GROUPS: 1 << 19,
  SPAWN_FOREGROUND: 1 << 20,
  SPAWN_SET_NICE: 1 << 21,
  SPAWN_CLEAN_SCHED: 1 << 22,
  SPAWN_INTO_CGROUP: 1 << 23,
  SPAWN_FD_CLOSED: -101,
  PROCESS_USAGE_PEAK: 1 << 0,
  PROCESS_USAGE_TIMES: 1 << 1,
  RUN_CHECK: 1 << 0,
  RUN_CUT: 1 << 1,
  RUN_KEEP_TAIL: 1 << 2,
  RUN_LINES: 1 << 3,
  RUN_KILL: 1 << 5,
  RUN_INHERIT_STDIN: 1 << 6,
  RUN_INHERIT_STDOUT: 1 << 7,
  RUN_INHERIT_STDERR: 1 << 8,
  RUN_RESULT_PIPE_HELD: 1 << 2,
  RUN_RESULT_INPUT_LEFT: 1 << 3,
  PROCESS_EXITED: 1,
  PROCESS_SIGNALED: 2,
  RUN_END_NOT_STARTED: 0,
};
const STEPS = ['none', 'arguments', 'pipe', 'fork', 'signals', 'session', 'group', 'fds', 'cwd', 'rlimit',
  'credentials', 'death_signal', 'exec', 'files', 'cgroup', 'sched', 'terminal'];

koffi.opaque('Error');
koffi.opaque('QemuProcess');
koffi.opaque('QemuRun');

const SpawnFd = koffi.struct('QemuSpawnFd', { source: 'int', target: 'int' });
const SpawnFile = koffi.struct('QemuSpawnFile', { target: 'int', path: 'str', flags: 'int', mode: 'unsigned int' });
const Options = koffi.struct('QemuSpawnOptions', {
  size: 'size_t', flags: 'uint64_t', executable: 'str', cwd: 'str', envp: 'const char **', env_set: 'void *',
  env_unset: 'void *', fds: 'QemuSpawnFd *', n_fds: 'size_t', signals: 'int', ignored: 'void *', defaulted: 'void *',
  pgid: 'int', umask: 'unsigned int', uid: 'unsigned int', gid: 'unsigned int', groups: 'void *', n_groups: 'size_t',
  rlimits: 'void *', n_rlimits: 'size_t', death_signal: 'int', failed_step: 'void *',
  files: 'QemuSpawnFile *', n_files: 'size_t', nice: 'int', cgroup_fd: 'int',
});
const Status = koffi.struct('QemuProcessStatus', {
  end: 'int', exit_code: 'int', term_signal: 'int', core_dumped: 'bool',
});
const Usage = koffi.struct('QemuProcessUsage', {
  flags: 'uint64_t', user_us: 'uint64_t', system_us: 'uint64_t', wall_us: 'uint64_t', peak_kib: 'uint64_t',
});
const Sink = koffi.proto('bool QemuRunSink(void *opaque, int child_fd, void *data, size_t len)');
const RunOptions = koffi.struct('QemuRunOptions', {
  size: 'size_t', flags: 'uint64_t', input: 'void *', input_len: 'size_t', stdout_limit: 'size_t',
  stderr_limit: 'size_t', timeout_ms: 'int64_t', grace_ms: 'int64_t', linger_ms: 'int64_t', cancel_fd: 'int',
  sink: 'QemuRunSink *', opaque: 'void *',
});
const RunResult = koffi.struct('QemuRunResult', {
  size: 'size_t', end: 'int', status: Status, flags: 'uint64_t', out: 'void *', err: 'void *', out_len: 'size_t',
  err_len: 'size_t', out_total: 'uint64_t', err_total: 'uint64_t', usage: Usage,
});

// A text that is ours to free: koffi copies it and calls free().
koffi.disposable('OwnText', 'str', koffi.load(null).func('void free(void *)'));

const library = koffi.load('libqemu_fork.so.0');
const C = Object.fromEntries([
  'QemuProcess *qemu_spawn(const char **argv, QemuSpawnOptions *opts, _Out_ Error **errp)',
  'int qemu_process_pid(QemuProcess *proc)',
  'int qemu_process_take_fd(QemuProcess *proc, int child_fd)',
  'int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, _Out_ QemuProcessStatus *status, Error **errp)',
  'bool qemu_process_kill(QemuProcess *proc, int sig, _Out_ Error **errp)',
  'bool qemu_process_stop(QemuProcess *proc, int64_t grace_ms, _Out_ QemuProcessStatus *status, _Out_ Error **errp)',
  'OwnText qemu_process_status_str(QemuProcessStatus *status)',
  'void qemu_process_free(QemuProcess *proc)',
  'QemuRun *qemu_run_start(const char **argv, QemuSpawnOptions *spawn, QemuRunOptions *run, _Out_ Error **errp)',
  'int qemu_run_fd(QemuRun *run)',
  'int qemu_run_step(QemuRun *run, _Inout_ QemuRunResult *result, _Out_ Error **errp)',
  'bool qemu_process_status_check(const QemuProcessStatus *status, const char *what, _Out_ Error **errp)',
  'QemuProcess *qemu_process_adopt(int pid, _Out_ Error **errp)',
  'void qemu_run_cancel(QemuRun *run)',
  'void qemu_run_free(QemuRun *run)',
  'void qemu_run_result_clear(QemuRunResult *result)',
  'str error_get_pretty(Error *err)',
  'void error_free(Error *err)',
].map((prototype) => [/(\w+)\(/.exec(prototype)[1], library.func(prototype)]));

/// The exception for a call that has just failed. It frees the library's Error.
function failure(errp, more = {}, errno = koffi.errno()) {
  const code = util.getSystemErrorName(-errno);
  let text = code;
  if (errp[0] !== null) {
    text = C.error_get_pretty(errp[0]);
    C.error_free(errp[0]);
  }
  return Object.assign(new Error(text), { errno, code, ...more });
}

/// A string for C, which ends at the first NUL: one that has a NUL in it would be cut there.
function text(value) {
  if (typeof value !== 'string') {
    throw new TypeError(`a string is wanted, not ${util.inspect(value)}`);
  }
  if (value.includes('\0')) {
    const error = new TypeError(`a string must not have a NUL: ${util.inspect(value)}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  return value;
}

function words(argv) {
  return [...Array.from(argv, text), null];
}

function integer(name, value) {
  if (!Number.isInteger(value)) {
    throw new TypeError(`${name} is a whole number, not ${util.inspect(value)}`);
  }
  return value;
}

/// What fs.open() knows flags by: 'a' or a number.
function openFlags(flags) {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_EXCL } = fs.constants;
  const known = {
    r: O_RDONLY, 'r+': O_RDWR, w: O_WRONLY | O_CREAT | O_TRUNC, 'w+': O_RDWR | O_CREAT | O_TRUNC,
    wx: O_WRONLY | O_CREAT | O_EXCL, a: O_WRONLY | O_CREAT | O_APPEND, 'a+': O_RDWR | O_CREAT | O_APPEND,
  };
  return integer('flags', known[flags] ?? flags);
}

/// The options that each have a flag: the flags, and the members.
function withFlags({ uid, keepGroups, nice, cleanSched, foreground, cgroup, searchChildPath }) {
  const members = {};
  let flags = 0;
  for (const [name, member, value, flag] of [['uid', 'uid', uid, constants.SPAWN_SET_UID],
    ['nice', 'nice', nice, constants.SPAWN_SET_NICE], ['cgroup', 'cgroup_fd', cgroup, constants.SPAWN_INTO_CGROUP]]) {
    if (value !== undefined) {
      members[member] = integer(name, value);
      flags |= flag;
    }
  }
  for (const [wanted, flag] of [[keepGroups, constants.SPAWN_KEEP_GROUPS], [cleanSched, constants.SPAWN_CLEAN_SCHED],
    [foreground, constants.SPAWN_FOREGROUND], [searchChildPath, constants.SPAWN_SEARCH_CHILD_PATH]]) {
    flags |= wanted ? flag : 0;
  }
  return [flags, members];
}

/// QemuSpawnOptions, and where the library stores the step that failed.
///
/// cwd, env; fds, of { source, target }; closedFds, which the child does not have; files, of { target, path, flags, mode }
/// as fs.open() has them, which the child opens as its user and in its working directory; uid, without our groups
/// unless with keepGroups; nice; cleanSched; foreground; cgroup, the descriptor of a directory; searchChildPath, for the
/// PATH in env.
function spawnOptions({ flags = 0, cwd, env, fds = [], closedFds = [], files = [], ...more }) {
  const step = new Int32Array(1);
  const [otherFlags, members] = withFlags(more);
  const search = more.searchChildPath ? flags & ~constants.SPAWN_SEARCH_PATH : flags;
  const options = { size: koffi.sizeof(Options), flags: search | otherFlags, failed_step: step, ...members };
  if (cwd !== undefined) {
    options.cwd = text(cwd);
  }
  if (env !== undefined) {
    const set = Object.entries(env).filter(([, value]) => value !== undefined);
    options.envp = words(set.map(([name, value]) => `${name}=${value}`));
  }
  const closed = closedFds.map((target) => ({ source: constants.SPAWN_FD_CLOSED, target: integer('closedFds', target) }));
  if (fds.length + closed.length > 0) {
    Object.assign(options, { fds: [...fds, ...closed], n_fds: fds.length + closed.length });
  }
  if (files.length > 0) {
    options.files = files.map((file) => ({
      target: integer('target', file.target), path: text(file.path), flags: openFlags(file.flags ?? 'r'),
      mode: file.mode ?? 0o666,
    }));
    options.n_files = files.length;
  }
  return [options, () => ({ step: STEPS[step[0]] })];
}

/// Frees what a program has forgotten to free.
const forgotten = new FinalizationRegistry((state) => state.free());

/// The handle of a process. It is freed when no worker thread uses it any more.
class State {
  #users = 0;
  #open = true;

  constructor(handle) {
    this.handle = handle;
  }

  get() {
    if (!this.#open) {
      throw new Error('the process is freed');
    }
    return this.handle;
  }

  /// A call that one of Node's worker threads makes.
  async use(call) {
    const handle = this.get();
    this.#users += 1;
    try {
      return await call(handle);
    } finally {
      this.#users -= 1;
      this.#freeUnused();
    }
  }

  free() {
    this.#open = false;
    this.#freeUnused();
  }

  #freeUnused() {
    if (!this.#open && this.#users === 0 && this.handle !== null) {
      C.qemu_process_free(this.handle);
      this.handle = null;
    }
  }
}

class Process {
  #state;

  constructor(argv, flags = 0, more = {}) {
    if (argv instanceof State) { // of adopt()
      this.#state = argv;
      forgotten.register(this, argv, argv);
      return;
    }
    const errp = [null];
    const [options, failed] = spawnOptions({ ...more, flags });
    const handle = C.qemu_spawn(words(argv), options, errp);
    if (handle === null) {
      throw failure(errp, failed());
    }
    this.#state = new State(handle);
    forgotten.register(this, this.#state, this.#state);
  }

  /// A child that something else has started, and that nobody has reaped. Node reaps those of child_process itself.
  static adopt(pid) {
    const errp = [null];
    const handle = C.qemu_process_adopt(pid, errp);
    if (handle === null) {
      throw failure(errp);
    }
    return new Process(new State(handle));
  }

  /// Its process id. Once it has been reaped, another process may have it.
  get pid() {
    return C.qemu_process_pid(this.#state.get());
  }

  /// The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for.
  takeStdout() {
    const fd = C.qemu_process_take_fd(this.#state.get(), 1);
    if (fd < 0) {
      throw failure([null]);
    }
    return fs.createReadStream(null, { fd, encoding: 'utf8' });
  }

  /// How the child ended, or null where the time is up. One of Node's worker threads waits, the event loop goes on.
  wait(timeout_ms = -1) {
    return this.#state.use((handle) => new Promise((resolve, reject) => {
      const status = {};
      C.qemu_process_wait.async(handle, timeout_ms, status, null, (error, ended) =>
        error ? reject(error) : resolve(ended === 1 ? status : null));
    }));
  }

  /// Sends a signal, and never to another process that has got the child's id since.
  kill(signal) {
    const errp = [null];
    const number = typeof signal === 'string' ? os.constants.signals[signal] : signal;
    if (!Number.isInteger(number)) {
      throw new TypeError(`no signal: ${signal}`);
    }
    if (!C.qemu_process_kill(this.#state.get(), number, errp)) {
      throw failure(errp);
    }
  }

  /// Ends the child by SIGTERM, and after a time by SIGKILL. How it ended. A worker thread waits for that.
  stop(grace_ms = 1000) {
    return this.#state.use((handle) => new Promise((resolve, reject) => {
      const status = {}, errp = [null];
      C.qemu_process_stop.async(handle, grace_ms, status, errp, (error, stopped) => {
        // The errno is the worker's.
        error || !stopped ? reject(error ?? failure(errp, {}, os.constants.errno.EPERM)) : resolve(status);
      });
    }));
  }

  /// A second time does nothing. What a worker thread waits for goes on.
  free() {
    forgotten.unregister(this.#state);
    this.#state.free();
  }
}

/// Throws unless the child exited with status 0; what names it in the text.
function statusCheck(status, what = 'the program') {
  const errp = [null];
  if (!C.qemu_process_status_check(status, text(what), errp)) {
    throw failure(errp);
  }
}

module.exports = {
  ...constants, STEPS, SpawnFd, SpawnFile, Options, Status, Usage, Sink, RunOptions, RunResult, C, Process, failure, spawnOptions,
  statusCheck, statusText: C.qemu_process_status_str, words,
};
