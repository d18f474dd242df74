-- What qemu_fork.lua believes about the C structures, as ../layout.c prints it.
local ffi = require("ffi")
local qemu_fork = require("qemu_fork")

local function layout(name, members)
    local words = { name, ffi.sizeof(name) }
    for member in members:gmatch("%S+") do
        words[#words + 1] = member .. "=" .. ffi.offsetof(name, member)
    end
    print(table.concat(words, " "))
end

layout("QemuSpawnFd", "source target")
layout("QemuSpawnFile", "target path flags mode")
layout("QemuSpawnOptions", [[size flags executable cwd envp env_set env_unset fds n_fds signals ignored defaulted pgid
                             umask uid gid groups n_groups rlimits n_rlimits death_signal failed_step files n_files
                             nice cgroup_fd]])
layout("QemuProcessStatus", "end exit_code term_signal core_dumped")
layout("QemuProcessUsage", "flags user_us system_us wall_us peak_kib")
layout("QemuRunOptions", [[size flags input input_len stdout_limit stderr_limit timeout_ms grace_ms linger_ms cancel_fd
                           sink opaque]])
layout("QemuRunResult", "size end status flags out err out_len err_len out_total err_total usage")
for name in ([[SPAWN_SEARCH_PATH SPAWN_NULL_STDOUT SPAWN_NULL_STDERR SPAWN_PIPE_STDOUT SPAWN_MERGE_STDERR
               SPAWN_SET_UID SPAWN_SEARCH_CHILD_PATH SPAWN_KEEP_GROUPS SPAWN_FOREGROUND SPAWN_SET_NICE
               SPAWN_CLEAN_SCHED SPAWN_INTO_CGROUP SPAWN_FD_CLOSED
               PROCESS_USAGE_PEAK PROCESS_USAGE_TIMES RUN_CHECK RUN_CUT RUN_KEEP_TAIL RUN_LINES RUN_KILL
               RUN_INHERIT_STDIN RUN_INHERIT_STDOUT RUN_INHERIT_STDERR RUN_CANCEL_FD RUN_RESULT_PIPE_HELD
               RUN_RESULT_INPUT_LEFT PROCESS_EXITED PROCESS_SIGNALED RUN_END_NOT_STARTED]]):gmatch("%S+") do
    print("QEMU_" .. name .. " " .. tonumber(ffi.C["QEMU_" .. name]))
end
for value = 0, #qemu_fork.STEPS do
    print("QEMU_SPAWN_STEP_" .. qemu_fork.STEPS[value]:upper() .. " " .. value)
end
