-- A program started, its output, its status, and why another cannot be started.
--
-- SPDX-License-Identifier: MIT
local qemu_fork = require("qemu_fork")

local process = assert(qemu_fork.spawn({ "sh", "-c", "echo hello; exit 3" },
                                       qemu_fork.SPAWN_SEARCH_PATH + qemu_fork.SPAWN_PIPE_STDOUT))
io.write(process:read_stdout())
print(process:wait())

local nothing, reason = qemu_fork.spawn({ "/etc/not-there" })
print(nothing or reason)
