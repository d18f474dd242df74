// Waits for a descriptor in the event loop. Node has that for sockets and pipes only; libuv, which node exports, has it
// for all.
//
// SPDX-License-Identifier: MIT
'use strict';

const { isMainThread } = require('node:worker_threads');
const koffi = require('koffi');

const UV_POLL = 8;
const UV_READABLE = 1;
const POLLIN = 1;

koffi.proto('void UvPoll(void *handle, int status, int events)');
koffi.proto('void UvClose(void *handle)');
koffi.struct('pollfd', { fd: 'int', events: 'short', revents: 'short' });

const node = koffi.load(null);
const uv = Object.fromEntries([
  'void *uv_default_loop()',
  'size_t uv_handle_size(int type)',
  'int uv_poll_init(void *loop, void *handle, int fd)',
  'int uv_poll_start(void *handle, int events, UvPoll *call)',
  'void uv_close(void *handle, UvClose *call)',
  'int poll(_Inout_ pollfd *fds, unsigned long n, int timeout)',
].map((prototype) => [/(\w+)\(/.exec(prototype)[1], node.func(prototype)]));

const watched = new Map();
// For each of the handles the same two, so that none has to be unregistered while it is called.
const ready = koffi.register((handle) => watched.get(koffi.address(handle))(), 'UvPoll *');
const closed = koffi.register((handle) => koffi.free(handle), 'UvClose *');

function watchByLibuv(fd, call) {
  const handle = koffi.alloc('uint8_t', Number(uv.uv_handle_size(UV_POLL)));
  const failed = uv.uv_poll_init(uv.uv_default_loop(), handle, fd);
  if (failed) {
    koffi.free(handle);
    throw new Error(`uv_poll_init: ${failed}`);
  }
  const address = koffi.address(handle);
  watched.set(address, call);
  uv.uv_poll_start(handle, UV_READABLE, ready);
  return () => {
    watched.delete(address);
    uv.uv_close(handle, closed);
  };
}

// A worker_threads.Worker has a loop of its own, which only native code can ask for. There a thread of Node's pool
// waits.
function watchByThread(fd, call) {
  let open = true;
  const wait = () => uv.poll.async([{ fd, events: POLLIN, revents: 0 }], 1, -1, () => {
    if (open) {
      call();
    }
    if (open) {
      wait();
    }
  });
  wait();
  return () => { open = false; };
}

/// Calls a function whenever the descriptor is readable. The result is a function that ends that.
module.exports = isMainThread ? watchByLibuv : watchByThread;
