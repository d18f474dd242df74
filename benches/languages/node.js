// What a run costs beside child_process.execFile(): the medians of both, and their ratio, taken in turns in one process.
//
//     LD_LIBRARY_PATH=build/provider node benches/languages/node.js build/languages/node
//
// The argument is the folder with run.js and koffi, which make check-languages makes.
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
  '64 MiB out': [['head', '-c', '64M', '/dev/zero'], { encoding: 'buffer' }, 10],
  'twenty at once, each a line': [['/bin/echo', 'hello'], {}, 20, 20],
};

const theirs = ([file, ...argv], options) => execFile(file, argv, { maxBuffer: Infinity, ...options });
const ours = (argv, options) => run(argv, { maxBuffer: Infinity, check: true, ...options });

async function one(call, argv, options, atOnce) {
  const begin = process.hrtime.bigint();
  await Promise.all(Array.from({ length: atOnce }, () => call(argv, options)));
  return Number(process.hrtime.bigint() - begin) / 1000;
}

const median = (some) => some.sort((a, b) => a - b)[some.length >> 1];

async function main() {
  console.log(`${''.padEnd(30)}${'execFile'.padStart(12)}${'run'.padStart(12)}${'ratio'.padStart(8)}    ` +
    '(microseconds, medians)');
  for (const [name, [argv, options, rounds = ROUNDS, atOnce = 1]] of Object.entries(CASES)) {
    const times = [[], []];
    for (let i = 0; i < rounds; i++) {
      times[0].push(await one(theirs, argv, options, atOnce));
      times[1].push(await one(ours, argv, options, atOnce));
    }
    const [a, b] = times.map(median);
    console.log(`${name.padEnd(30)}${a.toFixed(0).padStart(12)}${b.toFixed(0).padStart(12)}` +
      `${(b / a).toFixed(2).padStart(8)}`);
  }
}

main();
