// run(): a program to its end, with a limit of time that holds. No thread waits for it, the event loop does.
//
// SPDX-License-Identifier: MIT
'use strict';

const os = require('node:os');
const koffi = require('koffi');
const qemu = require('./qemu-fork.js');
const watch = require('./watch.js');

const SIZE_MAX = 2n ** 64n - 1n;
const NEVER = 2 ** 53;

const runs = new Map();
let last = 0;
// Nothing can be thrown through C: what the sink throws is kept, and stops the program.
const take = koffi.register((opaque, childFd, data, length) => {
  const run = runs.get(Number(koffi.address(opaque)));
  try {
    return run.sink(childFd, copy(data, length)) !== false;
  } catch (error) {
    run.thrown = { error };
    return false;
  }
}, 'QemuRunSink *');

function copy(data, length) {
  return length === 0 ? Buffer.alloc(0) : Buffer.from(new Uint8Array(koffi.view(data, length)));
}

/// Milliseconds for C, where 0 is the default.
function milliseconds(name, value, byDefault) {
  if (value === undefined) {
    return byDefault;
  }
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new RangeError(`${name} is a number of milliseconds, not ${value}`);
  }
  return value >= NEVER ? -1 : Math.max(1, Math.ceil(value));
}

/// Bytes for C, where 0 is the default.
function limit(value) {
  if (value === undefined) {
    return 0;
  }
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new RangeError(`maxBuffer is a number of bytes, not ${value}`);
  }
  return value >= NEVER ? SIZE_MAX : Math.max(1, Math.ceil(value));
}

/// What stdio says, in C's words: 'pipe', which is the default, 'ignore', 'inherit' or a descriptor, for one or all three.
function streams(stdio = ['ignore', 'pipe', 'pipe'], hasInput = false) {
  const three = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  const inherit = [qemu.RUN_INHERIT_STDIN, qemu.RUN_INHERIT_STDOUT, qemu.RUN_INHERIT_STDERR];
  const ignore = [0, qemu.SPAWN_NULL_STDOUT, qemu.SPAWN_NULL_STDERR];
  const result = { spawnFlags: qemu.SPAWN_SEARCH_PATH, runFlags: 0, fds: [] };
  three.forEach((stream, target) => {
    if (target === 0 && hasInput) {
      return;
    } else if (stream === 'inherit') {
      result.runFlags |= inherit[target];
    } else if (stream === 'ignore') {
      result.spawnFlags |= ignore[target];
    } else if (Number.isInteger(stream)) {
      result.fds.push({ source: stream, target });
    } else if (stream !== 'pipe' && stream !== undefined && stream !== null) {
      throw new TypeError(`stdio: ${stream}`);
    }
  });
  return result;
}

function flags(options) {
  const names = { check: qemu.RUN_CHECK, cut: qemu.RUN_CUT, keepTail: qemu.RUN_KEEP_TAIL, lines: qemu.RUN_LINES,
    kill: qemu.RUN_KILL };
  return Object.entries(names).reduce((all, [name, flag]) => all | (options[name] ? flag : 0), 0);
}

/// What the caller gets: of the result, and of an error.
function outcome(result, encoding) {
  const decoded = (bytes) => encoding === 'buffer' ? bytes : bytes.toString(encoding);
  const { status, usage } = result;
  const times = usage.flags & qemu.PROCESS_USAGE_TIMES;
  return {
    status: status.end === qemu.PROCESS_EXITED ? status.exit_code : null,
    signal: status.end === qemu.PROCESS_SIGNALED ? signalName(status.term_signal) : null,
    stdout: decoded(copy(result.out, result.out_len)),
    stderr: decoded(copy(result.err, result.err_len)),
    stdoutTotal: result.out_total,
    stderrTotal: result.err_total,
    pipeHeld: (result.flags & qemu.RUN_RESULT_PIPE_HELD) !== 0,
    inputLeft: (result.flags & qemu.RUN_RESULT_INPUT_LEFT) !== 0,
    usage: {
      user: times ? usage.user_us / 1000 : null, system: times ? usage.system_us / 1000 : null,
      wall: usage.wall_us / 1000, peakKib: usage.flags & qemu.PROCESS_USAGE_PEAK ? usage.peak_kib : null,
    },
  };
}

function signalName(number) {
  return Object.keys(os.constants.signals).find((name) => os.constants.signals[name] === number) ?? number;
}

function aborted(signal, ended) {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }, ended);
}

/// One step. undefined while the run goes on, and then a function that settles the promise.
function step(run) {
  const result = { size: koffi.sizeof(qemu.RunResult) }, errp = [null];
  const done = qemu.C.qemu_run_step(run.handle, result, errp);
  if (done === 0) {
    return undefined;
  }
  const error = done < 0 ? qemu.failure(errp) : null;
  const ended = outcome(result, run.encoding);
  qemu.C.qemu_run_result_clear(result);
  if (run.thrown) {
    return () => run.reject(run.thrown.error);
  } else if (error === null) {
    return () => run.resolve(ended);
  } else if (run.signal?.aborted && error.code === 'ECANCELED') {
    return () => run.reject(aborted(run.signal, ended));
  }
  return () => run.reject(Object.assign(error, ended));
}

function end(run, settle) {
  run.unwatch?.();
  run.signal?.removeEventListener('abort', run.abort);
  runs.delete(run.id);
  qemu.C.qemu_run_free(run.handle);
  // libuv has called this, and not Node: promises go on when Node is next.
  setImmediate(settle);
}

/// The event loop has nobody to catch an error, so it is the promise's.
function ready(run) {
  let settle;
  try {
    settle = step(run);
  } catch (error) {
    settle = () => run.reject(error);
  }
  if (settle) {
    end(run, settle);
  }
}

function start(run, argv, options) {
  const input = options.input === undefined || options.input === null ? null
    : typeof options.input === 'string' ? Buffer.from(options.input) : Buffer.from(options.input.buffer,
      options.input.byteOffset, options.input.byteLength);
  const { spawnFlags, runFlags, fds } = streams(options.stdio, input !== null);
  const [spawn, failed] = qemu.spawnOptions({ ...options, flags: spawnFlags, fds });
  const errp = [null];
  run.input = input; // the library reads it until the run is over
  run.handle = qemu.C.qemu_run_start(qemu.words(argv), spawn, {
    size: koffi.sizeof(qemu.RunOptions), flags: runFlags | flags(options),
    input: input?.length === 0 ? Buffer.alloc(1) : input, input_len: input?.length ?? 0,
    stdout_limit: limit(options.maxBuffer), stderr_limit: limit(options.maxBuffer),
    timeout_ms: options.timeout === 0 ? 0 : milliseconds('timeout', options.timeout, 0),
    grace_ms: milliseconds('grace', options.grace, 0), linger_ms: milliseconds('linger', options.linger, 0),
    sink: run.sink ? take : null, opaque: run.sink ? BigInt(run.id) : null,
  }, errp);
  if (run.handle === null) {
    throw qemu.failure(errp, failed());
  }
}

/// Runs a program. The promise has { status, signal, stdout, stderr, … }, or an error with code, errno, step or these.
///
/// options: those of spawnOptions(); input; timeout, grace and linger in milliseconds; signal, an AbortSignal; maxBuffer, 16 MiB, with
/// cut or keepTail for one end; check: another status than 0 is an error; kill: stop by SIGKILL; stdio; encoding,
/// 'buffer' for Buffers; sink(fd, buffer), which takes the output as it comes, or with lines its lines, and stops the
/// program by false or by what it throws.
async function run(argv, options = {}) {
  const { signal } = options;
  if (signal?.aborted) {
    throw aborted(signal);
  }
  const one = { id: ++last, sink: options.sink, signal, encoding: options.encoding ?? 'utf8' };
  runs.set(one.id, one);
  try {
    start(one, argv, options);
  } catch (error) {
    runs.delete(one.id);
    throw error;
  }
  return new Promise((resolve, reject) => {
    Object.assign(one, { resolve, reject, abort: () => qemu.C.qemu_run_cancel(one.handle) });
    signal?.addEventListener('abort', one.abort);
    try {
      one.unwatch = watch(qemu.C.qemu_run_fd(one.handle), () => ready(one));
    } catch (error) {
      end(one, () => reject(error));
    }
  });
}

module.exports = { run };
