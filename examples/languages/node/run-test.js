// What run() does. Prints TAP.
//
// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const childProcess = require('node:child_process');
const fs = require('node:fs');
const util = require('node:util');
const { Worker } = require('node:worker_threads');
const { run } = require('./run.js');
const tap = require('./tap.js');

const shell = (script, options) => run(['/bin/sh', '-c', script], options);

/// The error of a program that says something and goes on. It gets more time until it has said it.
async function timesOut(script) {
  for (let timeout = 100; ; timeout *= 2) {
    const error = await shell(script, { timeout }).then(() => null, (reason) => reason);
    assert.strictEqual(error.code, 'ETIMEDOUT');
    if (error.stdout) {
      assert.match(error.message, new RegExp(`^'/bin/sh' did not end within ${timeout} ms and was stopped`));
      return error;
    }
  }
}

tap({
  async 'output and status'() {
    const result = await shell('echo out; echo err >&2; exit 3');
    assert.deepStrictEqual([result.status, result.signal, result.stdout, result.stderr], [3, null, 'out\n', 'err\n']);
    assert.strictEqual((await shell('kill -9 $$')).signal, 'SIGKILL');
  },

  async 'same as child_process'() {
    const script = '[ -n "$ONE" ] && env | grep ONE && pwd; cat; echo to-stderr >&2; exit 2';
    for (const more of [{ input: 'x\0y' }, { input: '' }, { stdio: 'ignore' }, { stdio: ['ignore', 'ignore', 'pipe'] },
      { env: { ONE: '1', PATH: process.env.PATH, NOT: undefined }, cwd: '/', input: 'a' },
      { input: new Uint16Array([65, 66]) }]) {
      const mine = await shell(script, more);
      const theirs = childProcess.spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', ...more });
      assert.deepStrictEqual([mine.status, mine.stdout, mine.stderr],
        [theirs.status, theirs.stdout ?? '', theirs.stderr ?? '']);
    }
  },

  async 'a descriptor as stdout'() {
    const file = fs.openSync('said', 'w+');
    await run(['echo', 'hello'], { stdio: ['ignore', file, 'ignore'] });
    fs.closeSync(file);
    assert.strictEqual(fs.readFileSync('said', 'utf8'), 'hello\n');
    fs.unlinkSync('said');
  },

  async 'much of both'() {
    const input = Buffer.alloc(8 << 20, 'some bytes');
    const result = await run(['cat'], { input, encoding: 'buffer' });
    assert(result.stdout.equals(input));
    assert((await run(['true'], { input })).inputLeft);
  },

  async 'check'() {
    await assert.rejects(shell('echo half; echo no such disk >&2; exit 32', { check: true }), {
      message: "'/bin/sh' exited with status 32: no such disk", code: 'EIO', status: 32, stdout: 'half\n',
      stderr: 'no such disk\n',
    });
    assert.strictEqual((await run(['true'], { check: true })).status, 0);
  },

  async 'deadline'() {
    assert.strictEqual((await timesOut('echo half; exec sleep 100000')).stdout, 'half\n');
    await assert.rejects(run(['sleep', '100000'], { timeout: 0.1, kill: true }), { code: 'ETIMEDOUT' });
    assert.strictEqual((await run(['true'], { timeout: Infinity })).status, 0);
  },

  async 'held pipe'() {
    // What is left behind ends when it is killed, which is after the run.
    const result = await shell('sleep 100000 & echo $!');
    process.kill(Number(result.stdout), 'SIGKILL');
    assert(result.pipeHeld);
  },

  async 'held pipe and deadline'() {
    const error = await timesOut('sleep 100000 & echo $!; wait');
    process.kill(Number(error.stdout), 'SIGKILL');
    assert(error.pipeHeld);
  },

  async 'too much'() {
    const digits = (options) => shell('printf 0123456789', options).then((result) => result.stdout);
    await assert.rejects(run(['yes'], { maxBuffer: 1000 }), (error) =>
      error.code === 'ENOBUFS' && error.stdout.length === 1000);
    assert.strictEqual(await digits({ maxBuffer: 3, cut: true }), '012');
    assert.strictEqual(await digits({ maxBuffer: 3, keepTail: true }), '789');
    assert.strictEqual(await digits({ maxBuffer: Infinity }), '0123456789');
  },

  async 'sink'() {
    const lines = [];
    const result = await shell('echo one; echo two >&2; printf three', {
      lines: true, sink: (fd, line) => lines.push(`${fd} ${line}`),
    });
    assert.deepStrictEqual(lines.sort(), ['1 one\n', '1 three', '2 two\n']);
    assert.deepStrictEqual([result.stdout, result.stdoutTotal], ['', 9]);
  },

  async 'aborted'() {
    const controller = new AbortController();
    const promise = run(['sleep', '100000'], { signal: controller.signal, grace: Infinity });
    controller.abort(new Error('enough'));
    await assert.rejects(promise, (error) => error.name === 'AbortError' && error.code === 'ABORT_ERR' &&
      error.cause.message === 'enough' && error.signal === 'SIGTERM');
    await assert.rejects(run(['/etc/not-there'], { signal: controller.signal }), { name: 'AbortError' });
  },

  async 'failed start'() {
    await assert.rejects(run(['/etc/not-there']), {
      code: 'ENOENT', step: 'exec', message: "cannot execute '/etc/not-there': No such file or directory",
    });
    await assert.rejects(run(['true'], { cwd: '/etc/passwd' }), { code: 'ENOTDIR', step: 'cwd' });
    await assert.rejects(run(['/etc/passwd']), { code: 'EACCES', step: 'exec' });
  },

  async 'the event loop goes on'() {
    // The program ends when the loop has written to its stdin, which it does only while nothing waits in its thread.
    childProcess.execFileSync('mkfifo', ['fifo']);
    const promise = run(['cat', 'fifo']);
    for (let i = 0; i < 10; i++) {
      await util.promisify(setImmediate)();
    }
    const fifo = await fs.promises.open('fifo', 'w');
    await fifo.write('written');
    await fifo.close();
    assert.strictEqual((await promise).stdout, 'written');
    fs.unlinkSync('fifo');
  },

  async 'a hundred at once'() {
    // None ends before all run, so they need no thread each.
    const numbers = Array.from({ length: 100 }, (_, i) => String(i));
    childProcess.execFileSync('mkfifo', ['gate']);
    const promises = numbers.map((number) => run(['sh', '-c', 'read line < gate; echo $0', number], { check: true }));
    const gate = await fs.promises.open('gate', 'r+');
    await gate.write('open\n'.repeat(100));
    const results = await Promise.all(promises);
    await gate.close();
    fs.unlinkSync('gate');
    assert.deepStrictEqual(results.map((result) => result.stdout.trim()), numbers);
  },

  async 'in a worker thread'() {
    const code = `const { run } = require(${JSON.stringify(require.resolve('./run.js'))});
      run(['echo', 'hello']).then((result) => require('node:worker_threads').parentPort.postMessage(result.stdout));`;
    const worker = new Worker(code, { eval: true });
    const said = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    await worker.terminate();
    assert.strictEqual(said, 'hello\n');
  },
});
