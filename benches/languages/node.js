// Node.js: run() beside child_process.execFile(), in turns in one process. measure.py makes a table of what this prints.
//
//     LD_LIBRARY_PATH=build/provider node benches/languages/node.js build/languages/node
//
// The argument is the folder with run.js and koffi, which make check-languages makes. Each line is a round: the case, and
// the nanoseconds of theirs and of ours.
//
// SPDX-License-Identifier: MIT
'use strict';

const childProcess = require('node:child_process');
const path = require('node:path');
const util = require('node:util');

const { run } = require(path.resolve(process.argv[2] ?? '.', 'run.js'));
const execFile = util.promisify(childProcess.execFile);

const ROUNDS = 300;
const CASES = {
  '/bin/true': [['/bin/true'], {}],
  'a line': [['/bin/echo', 'hello'], {}],
  'a line, with a limit of time': [['/bin/echo', 'hello'], { timeout: 60000 }],
  '64 MiB out': [['head', '-c', '64M', '/dev/zero'], { encoding: 'buffer' }, 20],
  'twenty at once, each a line': [['/bin/echo', 'hello'], {}, 20, 20],
};

const theirs = ([file, ...argv], options) => execFile(file, argv, { maxBuffer: Infinity, ...options });
const ours = (argv, options) => run(argv, { maxBuffer: Infinity, check: true, ...options });

async function one(call, argv, options, atOnce) {
  const begin = process.hrtime.bigint();
  await Promise.all(Array.from({ length: atOnce }, () => call(argv, options)));
  return process.hrtime.bigint() - begin;
}

async function main() {
  for (const [name, [argv, options, rounds = ROUNDS, atOnce = 1]] of Object.entries(CASES)) {
    for (let i = 0; i < rounds; i++) {
      const took = [];
      for (const which of i % 2 ? [1, 0] : [0, 1]) {
        took[which] = await one([theirs, ours][which], argv, options, atOnce);
      }
      console.log([name, ...took].join('\t'));
    }
  }
}

main();
