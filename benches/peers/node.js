// A worker whose runner is Node's child_process, as its users see it: what worker/main.c is for the others.
//
// SPDX-License-Identifier: MIT
'use strict';

const childProcess = require('node:child_process');
const fs = require('node:fs');
const readline = require('node:readline');

/// --name value, as for the others; --huge-pages has no value, and is not done.
const args = {};
for (const words = process.argv.slice(2).filter((word) => word !== '--huge-pages'); words.length > 0;) {
  const [name, value] = words.splice(0, 2);
  args[name.replace(/^--/, '')] = value;
}

const SAID = 'what the parent captures\n';
const MIB = 2 ** 20;
const PART = 64; // mebibytes

let input = Buffer.alloc(0);

function much(size) {
  if (input.length !== size) {
    input = Buffer.alloc(size, 'x');
  }
  return input;
}

/// What a program writes, if it ends well.
function output(argv, bytes) {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: Infinity };
    const child = childProcess.execFile(argv[0], argv.slice(1), options, (error, stdout) =>
      error ? reject(error) : resolve(stdout));
    if (bytes) {
      child.stdin.end(bytes);
    }
  });
}

/// Runs something of a kind, which runs.c lists. Returns whether it wrote what is expected.
async function job(kind, number) {
  if (kind === 'many') {
    const all = await Promise.all(Array.from({ length: number }, () => output([args.say])));
    return all.every((one) => one.equals(Buffer.from(SAID)));
  } else if (kind === 'through') {
    return (await output(['/bin/cat'], much(number * MIB))).length === number * MIB;
  } else if (kind === 'out') {
    return (await output([args.say, `${number}`])).length === number * MIB;
  }
  const argv = kind === 'held' ? [args.hold, `${number}`] : [args.say];
  return (await output(argv)).equals(Buffer.from(SAID));
}

async function runs(what, times) {
  const [kind, digits = '0'] = what.split('-');
  const number = Number(digits);
  if (kind === 'through') {
    much(number * MIB);
  }
  const taken = [];
  for (let i = 0; i < (times === 1 ? 1 : times + 1); i++) {
    const begin = process.hrtime.bigint();
    if (!await job(kind, number)) {
      throw new Error('not the output that was expected');
    }
    taken.push(Number(process.hrtime.bigint() - begin) / (kind === 'many' ? number : 1));
  }
  return taken.slice(-times);
}

function median(some) {
  some.sort((a, b) => a - b);
  return (some[(some.length - 1) >> 1] + some[some.length >> 1]) / 2;
}

async function main() {
  const memory = [];
  for (let left = Number(args.mebibytes ?? 0); left > 0; left -= PART) {
    memory.push(Buffer.alloc(Math.min(left, PART) * MIB, 1));
  }
  for (let i = 3; i < Number(args.descriptors ?? 0); i++) {
    fs.openSync('/dev/null');
  }
  console.log('ready 0');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [, what, , times] = line.split(' ');
    console.log(median(await runs(what, Number(times))).toFixed(1));
  }
  return memory;
}

main();
