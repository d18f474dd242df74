-- What qemu_fork.lua believes about the C structures, as ../layout.c prints it.
local ffi = require("ffi")
require("qemu_fork")

local function layout(name, members)
    local words = { name, ffi.sizeof(name) }
    for member in members:gmatch("%S+") do
        words[#words + 1] = member .. "=" .. ffi.offsetof(name, member)
    end
    print(table.concat(words, " "))
end

layout("QemuSpawnOptions", [[size flags executable cwd envp env_set env_unset fds n_fds signals ignored defaulted pgid
                             umask uid gid groups n_groups rlimits n_rlimits death_signal failed_step]])
layout("QemuProcessStatus", "end exit_code term_signal core_dumped")
for _, name in ipairs({ "QEMU_SPAWN_SEARCH_PATH", "QEMU_SPAWN_PIPE_STDOUT" }) do
    print(name .. " " .. tonumber(ffi.C[name]))
end
