// What qemu-fork.js believes about the C structures, as ../layout.c prints it.
'use strict';

const koffi = require('koffi');
const qemu = require('./qemu-fork.js');

function layout(name, type) {
  const members = Object.keys(koffi.type(type).members);
  console.log(name, koffi.sizeof(type), ...members.map((member) => `${member}=${koffi.offsetof(type, member)}`));
}

layout('QemuSpawnFd', qemu.SpawnFd);
layout('QemuSpawnFile', qemu.SpawnFile);
layout('QemuSpawnOptions', qemu.Options);
layout('QemuProcessStatus', qemu.Status);
layout('QemuProcessUsage', qemu.Usage);
layout('QemuRunOptions', qemu.RunOptions);
layout('QemuRunResult', qemu.RunResult);
for (const [name, value] of Object.entries(qemu)) {
  if (/^(SPAWN|PROCESS|RUN)_/.test(name)) {
    console.log(`QEMU_${name}`, value);
  }
}
qemu.STEPS.forEach((step, value) => console.log(`QEMU_SPAWN_STEP_${step.toUpperCase()}`, value));
