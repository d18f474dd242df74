// qemu-fork by koffi.
//
// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const koffi = require('koffi');

const SPAWN_SEARCH_PATH = 1 << 0;
const SPAWN_PIPE_STDOUT = 1 << 13;

koffi.opaque('Error');
koffi.opaque('QemuProcess');

const Options = koffi.struct('QemuSpawnOptions', {
  size: 'size_t', flags: 'uint64_t', executable: 'str', cwd: 'str', envp: 'void *', env_set: 'void *',
  env_unset: 'void *', fds: 'void *', n_fds: 'size_t', signals: 'int', ignored: 'void *', defaulted: 'void *',
  pgid: 'int', umask: 'unsigned int', uid: 'unsigned int', gid: 'unsigned int', groups: 'void *', n_groups: 'size_t',
  rlimits: 'void *', n_rlimits: 'size_t', death_signal: 'int', failed_step: 'void *',
});
const Status = koffi.struct('QemuProcessStatus', {
  end: 'int', exit_code: 'int', term_signal: 'int', core_dumped: 'bool',
});

// A text that is ours to free: koffi copies it and calls free().
koffi.disposable('OwnText', 'str', koffi.load(null).func('void free(void *)'));

const library = koffi.load('libqemu_fork.so.0');
const qemu_spawn = library.func(
  'QemuProcess *qemu_spawn(const char **argv, QemuSpawnOptions *opts, _Out_ Error **errp)');
const qemu_process_take_fd = library.func('int qemu_process_take_fd(QemuProcess *proc, int child_fd)');
const qemu_process_wait = library.func(
  'int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, _Out_ QemuProcessStatus *status, Error **errp)');
const qemu_process_status_str = library.func('OwnText qemu_process_status_str(QemuProcessStatus *status)');
const qemu_process_free = library.func('void qemu_process_free(QemuProcess *proc)');
const error_get_pretty = library.func('str error_get_pretty(Error *err)');
const error_free = library.func('void error_free(Error *err)');

class Process {
  #handle;

  constructor(argv, flags = 0) {
    const errp = [null];
    this.#handle = qemu_spawn([...argv, null], { size: koffi.sizeof(Options), flags }, errp);
    if (this.#handle === null) {
      const errno = koffi.errno();
      const text = error_get_pretty(errp[0]);
      error_free(errp[0]);
      throw Object.assign(new Error(text), { errno });
    }
  }

  /// The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for.
  takeStdout() {
    return fs.createReadStream(null, { fd: qemu_process_take_fd(this.#handle, 1), encoding: 'utf8' });
  }

  /// How the child ended. One of Node's worker threads waits, the event loop goes on.
  wait(timeout_ms = -1) {
    return new Promise((resolve, reject) => {
      const status = {};
      qemu_process_wait.async(this.#handle, timeout_ms, status, null, (failure, ended) =>
        failure ? reject(failure) : resolve(ended === 1 ? status : null));
    });
  }

  free() {
    qemu_process_free(this.#handle);
    this.#handle = null;
  }
}

module.exports = {
  SPAWN_SEARCH_PATH, SPAWN_PIPE_STDOUT, Options, Status, Process, statusText: qemu_process_status_str,
};
