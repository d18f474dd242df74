// What a program can be given, by Process and by run(). Prints TAP.
//
// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Process, SPAWN_MERGE_STDERR, statusText } = require('./qemu-fork.js');
const { run } = require('./run.js');
const tap = require('./tap.js');

/// How a program ends.
async function end(argv, more, flags = 0) {
  const child = new Process(argv, flags, more);
  try {
    return statusText(await child.wait());
  } finally {
    child.free();
  }
}

const refused = (more, wanted) => assert.throws(() => new Process(['/bin/true'], 0, more), wanted);

tap({
  async 'files that the child opens'() {
    const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'qemu-fork-node-'));
    const files = [{ target: 0, path: '/proc/self/comm' }, { target: 1, path: 'log', flags: 'a', mode: 0o640 }];
    for (let i = 0; i < 2; i++) {
      await end(['/bin/sh', '-c', 'head -c 1 >/dev/null; echo oh >&2'], { cwd, files }, SPAWN_MERGE_STDERR);
    }
    const log = path.join(cwd, 'log');
    assert.strictEqual(fs.readFileSync(log, 'utf8'), 'oh\noh\n');
    assert.strictEqual(fs.statSync(log).mode & 0o027, 0);
    refused({ files: [{ target: 7, path: path.join(cwd, 'none') }] }, { code: 'ENOENT', step: 'files' });
    refused({ files: [{ target: 1, path: log, flags: 'wx' }] }, { code: 'EEXIST', step: 'files' });
    refused({ files: [{ target: 7, path: 'a\0b' }] }, TypeError);
    refused({ files: [{ target: 7, path: log, flags: 'x' }] }, TypeError);
    fs.rmSync(cwd, { recursive: true });
  },

  async 'descriptors that the child does not have'() {
    assert.strictEqual(await end(['/bin/sh', '-c', 'test ! -e /proc/self/fd/0'], { closedFds: [0, 5] }),
      'exited with status 0');
    refused({ closedFds: ['0'] }, TypeError);
  },

  async 'the PATH of the child'() {
    const options = { searchChildPath: true, env: { PATH: '/bin' } };
    assert.strictEqual((await run(['echo', 'hello'], options)).stdout, 'hello\n');
    options.env.PATH = '/none';
    await assert.rejects(run(['echo', 'hello'], options), { code: 'ENOENT', step: 'exec' });
  },

  async niceness() {
    assert.strictEqual((await run(['nice'], { nice: 19 })).stdout, '19\n');
    refused({ nice: 20 }, { code: 'EINVAL', step: 'arguments' });
    refused({ nice: 'nicest' }, TypeError);
  },

  async 'ordinary scheduling'() {
    const file = '/proc/self/oom_score_adj';
    const before = fs.readFileSync(file);
    fs.writeFileSync(file, '200');
    try {
      assert.strictEqual(await end(['/bin/grep', '-qx', '0', file], {}), 'exited with status 1');
      assert.strictEqual(await end(['/bin/grep', '-qx', '0', file], { cleanSched: true }), 'exited with status 0');
    } finally {
      fs.writeFileSync(file, before);
    }
  },

  async 'a user'() {
    const root = process.geteuid() === 0;
    const uid = root ? 65534 : process.geteuid();
    assert.strictEqual((await run(['id', '-u'], { uid })).stdout, `${uid}\n`);
    refused({ keepGroups: true }, { message: 'cannot spawn: KEEP_GROUPS needs SET_UID' });
    if (root) {
      const before = process.getgroups();
      process.setgroups([4711]);
      const groups = async (keepGroups) => (await run(['id', '-G'], { uid, keepGroups })).stdout;
      assert.doesNotMatch(await groups(false), /4711/);
      assert.match(await groups(true), /4711/);
      process.setgroups(before);
    }
  },

  'the foreground without a terminal'() {
    refused({ foreground: true }, { code: 'ENXIO', step: 'terminal' });
  },

  'a cgroup that is none'() {
    const cgroup = fs.openSync('/');
    refused({ cgroup }, { code: 'EBADF', step: 'cgroup' });
    fs.closeSync(cgroup);
  },
});
