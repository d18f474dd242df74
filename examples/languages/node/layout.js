// What qemu-fork.js believes about the C structures, as ../layout.c prints it.
'use strict';

const koffi = require('koffi');
const { Options, Status, SPAWN_SEARCH_PATH, SPAWN_PIPE_STDOUT } = require('./qemu-fork.js');

function layout(name, type) {
  const members = Object.keys(koffi.type(type).members);
  console.log(name, koffi.sizeof(type), ...members.map((member) => `${member}=${koffi.offsetof(type, member)}`));
}

layout('QemuSpawnOptions', Options);
layout('QemuProcessStatus', Status);
console.log('QEMU_SPAWN_SEARCH_PATH', SPAWN_SEARCH_PATH);
console.log('QEMU_SPAWN_PIPE_STDOUT', SPAWN_PIPE_STDOUT);
