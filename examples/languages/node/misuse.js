// What a program may get wrong: it is an exception each time, and nothing leaks. Prints TAP.
//
// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const v8 = require('node:v8');
const vm = require('node:vm');
const koffi = require('koffi');
const { C, PROCESS_EXITED, Process, SPAWN_PIPE_STDOUT, statusCheck, statusText } = require('./qemu-fork.js');
const { run } = require('./run.js');
const tap = require('./tap.js');

const FOREVER = ['/bin/sleep', '100000'];
const NUL = 'a\0b';
const SAYS_ITS_ID = ['sh', '-c', 'echo $$; exec sleep 100000'];

const gone = (pid) => assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });

const tests = {
  async 'process after free'() {
    const child = new Process(FOREVER);
    const { pid } = child;
    await child.stop(-1);
    gone(pid);
    child.free();
    const freed = /is freed/;
    assert.throws(() => child.pid, freed);
    assert.throws(() => child.takeStdout(), freed);
    assert.throws(() => child.kill('SIGTERM'), freed);
    await assert.rejects(child.wait(), freed);
    await assert.rejects(child.stop(), freed);
  },

  async 'process adopted and its status checked'() {
    const child = new Process(['/bin/sh', '-c', 'exit 3']);
    const adopted = Process.adopt(child.pid);
    const status = await adopted.wait();
    assert.throws(() => statusCheck(status, 'the child'), { code: 'EIO', message: 'the child exited with status 3' });
    assert.throws(() => statusCheck(status, NUL), TypeError);
    assert.throws(() => Process.adopt(child.pid), { errno: os.constants.errno.ECHILD });
    assert.throws(() => Process.adopt(0), { code: 'EINVAL' });
    adopted.free();
    child.free();
    const good = new Process(['/bin/true']);
    statusCheck(await good.wait());
    good.free();
  },

  async 'process freed twice'() {
    const child = new Process(['/bin/true']);
    assert.strictEqual(statusText(await child.wait()), 'exited with status 0');
    child.free();
    child.free();
  },

  async 'process freed while threads wait'() {
    const child = new Process(FOREVER);
    const { pid } = child;
    const waits = [child.wait(), child.wait(), child.stop(-1)];
    child.free();
    child.free();
    await assert.rejects(child.wait(0), /is freed/);
    const ends = await Promise.all(waits);
    assert.deepStrictEqual(ends.map(statusText), Array(3).fill('killed by signal 15 (SIGTERM)'));
    gone(pid);
  },

  async 'stdout that is no pipe'() {
    const child = new Process(['/bin/true']);
    assert.throws(() => child.takeStdout(), { code: 'EBADF' });
    await child.wait();
    child.free();
  },

  async 'stdout taken twice'() {
    const child = new Process(['/bin/true'], SPAWN_PIPE_STDOUT);
    for await (const _ of child.takeStdout());
    assert.throws(() => child.takeStdout(), { code: 'EBADF' });
    await child.wait();
    child.free();
  },

  async 'signal that there is not'() {
    const child = new Process(FOREVER);
    assert.throws(() => child.kill('SIGNONE'), TypeError);
    assert.throws(() => child.kill(), TypeError);
    assert.throws(() => child.kill(12345), { code: 'EINVAL' });
    await child.stop(-1);
    assert.throws(() => child.kill('SIGTERM'), { code: 'ESRCH' });
    child.free();
  },

  'handle that was never made'() {
    assert.throws(() => new Process(['/etc/not-there']), { code: 'ENOENT', step: 'exec' });
    assert.throws(() => new Process([]), { code: 'EINVAL' });
    assert.throws(() => new Process(), TypeError);
  },

  async 'text with a NUL'() {
    const refused = { code: 'ERR_INVALID_ARG_VALUE' };
    for (const [argv, more] of [[[NUL]], [['true', NUL]], [['true'], { cwd: NUL }], [['true'], { env: { [NUL]: '' } }],
      [['true'], { env: { NAME: NUL } }]]) {
      assert.throws(() => new Process(argv, 0, more), refused);
      await assert.rejects(run(argv, more), refused);
    }
  },

  async 'sink that throws'() {
    let pid;
    await assert.rejects(run(SAYS_ITS_ID, {
      sink(_fd, data) {
        pid = Number(data);
        throw new Error('from the sink');
      },
    }), { message: 'from the sink' });
    gone(pid);
  },

  async 'sink that says no'() {
    await assert.rejects(run(SAYS_ITS_ID, { sink: () => false, grace: Infinity }), {
      code: 'ECANCELED', signal: 'SIGTERM',
    });
  },

  async 'aborted before, twice and afterwards'() {
    const controller = new AbortController();
    await run(['/bin/true'], { signal: controller.signal });
    const promise = run(FOREVER, { signal: controller.signal });
    controller.abort();
    controller.abort();
    await assert.rejects(promise, { name: 'AbortError' });
    await assert.rejects(run(FOREVER, { signal: controller.signal }), { name: 'AbortError' });
  },

  async 'arguments that make no sense'() {
    await assert.rejects(run([]), { code: 'EINVAL' });
    await assert.rejects(run(), TypeError);
    await assert.rejects(run(['true', 5]), TypeError);
    await assert.rejects(run(['true'], { timeout: 'long' }), RangeError);
    await assert.rejects(run(['true'], { timeout: -1 }), RangeError);
    await assert.rejects(run(['true'], { timeout: NaN }), RangeError);
    await assert.rejects(run(['true'], { maxBuffer: -1 }), RangeError);
    await assert.rejects(run(['true'], { stdio: 'tty' }), TypeError);
    await assert.rejects(run(['true'], { stdio: ['ignore', 12345, 'pipe'] }), { code: 'EBADF' });
    await assert.rejects(run(['true'], { cut: true, keepTail: true }), { code: 'EINVAL' });
    await assert.rejects(run(['cat'], { input: 5 }), TypeError);
  },
};

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');
koffi.struct('mallinfo2', Object.fromEntries(['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks',
  'uordblks', 'fordblks', 'keepcost'].map((name) => [name, 'size_t'])));
const mallinfo = koffi.load(null).func('mallinfo2 mallinfo2()');

/// The bytes that malloc() has given out. The library's are among them.
async function allocated() {
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise(setImmediate);
  }
  const info = mallinfo();
  return info.uordblks + info.hblkhd;
}

/// Counts what the library gives, and what it gets back.
const given = { process: 0, run: 0, result: 0 };
function counted(name, what, change) {
  const call = C[name];
  C[name] = (...argv) => {
    const result = call(...argv);
    given[what] += change(result);
    return result;
  };
}
counted('qemu_spawn', 'process', (handle) => handle === null ? 0 : 1);
counted('qemu_process_adopt', 'process', (handle) => handle === null ? 0 : 1);
counted('qemu_process_free', 'process', () => -1);
counted('qemu_run_start', 'run', (handle) => handle === null ? 0 : 1);
counted('qemu_run_free', 'run', () => -1);
counted('qemu_run_step', 'result', (done) => done === 0 ? 0 : 1);
counted('qemu_run_result_clear', 'result', () => -1);

tap({
  ...tests,

  /// All of it again: neither descriptors nor children nor handles nor results are left.
  async 'nothing leaks'() {
    const descriptors = fs.readdirSync('/proc/self/fd').join();
    for (const test of Object.values(tests)) {
      await test();
    }
    assert.strictEqual(fs.readdirSync('/proc/self/fd').join(), descriptors);
    assert.strictEqual(fs.readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'), '');
    assert.deepStrictEqual(given, { process: 0, run: 0, result: 0 });
  },

  /// Node's own memory goes up and down, now and then by much; a text of the library has 32 bytes at the least.
  async 'no text is left'() {
    const status = { end: PROCESS_EXITED, exit_code: 3 };
    const growths = [];
    for (let part = 0; part < 3; part++) {
      const before = await allocated();
      for (let i = 0; i < 10000; i++) {
        statusText(status);
        assert.throws(() => new Process([]));
      }
      growths.push(await allocated() - before);
    }
    const [, median] = growths.sort((a, b) => a - b);
    assert(median < 10000 * 16, String(growths));
  },

  /// A program that forgets its handles loses neither descriptors nor memory.
  async 'handles that are forgotten'() {
    const count = () => fs.readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 20; i++) {
      await new Process(['/bin/true']).wait();
    }
    while (count() > before) {
      gc();
      await new Promise(setImmediate);
    }
  },
});
