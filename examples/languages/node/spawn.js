// A program started, its output, its status, and why another cannot be started.
//
// SPDX-License-Identifier: MIT
'use strict';

const { Process, SPAWN_PIPE_STDOUT, SPAWN_SEARCH_PATH, statusText } = require('./qemu-fork.js');

async function main() {
  const child = new Process(['sh', '-c', 'echo hello; exit 3'], SPAWN_SEARCH_PATH | SPAWN_PIPE_STDOUT);
  try {
    for await (const text of child.takeStdout()) {
      process.stdout.write(text);
    }
    console.log(statusText(await child.wait()));
  } finally {
    child.free();
  }

  try {
    new Process(['/etc/not-there']);
  } catch (error) {
    console.log(error.message);
  }
}

main();
