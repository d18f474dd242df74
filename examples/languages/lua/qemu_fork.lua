-- qemu-fork by LuaJIT's FFI.
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")

ffi.cdef[[
enum { QEMU_SPAWN_SEARCH_PATH = 1 << 0, QEMU_SPAWN_PIPE_STDOUT = 1 << 13 };

typedef struct Error Error;
typedef struct QemuProcess QemuProcess;
typedef struct QemuSpawnOptions {
    size_t size;
    uint64_t flags;
    const char *executable;
    const char *cwd;
    const char *const *envp;
    const char *const *env_set;
    const char *const *env_unset;
    const void *fds;
    size_t n_fds;
    int signals;
    const int *ignored;
    const int *defaulted;
    int pgid;
    unsigned umask;
    unsigned uid;
    unsigned gid;
    const unsigned *groups;
    size_t n_groups;
    const void *rlimits;
    size_t n_rlimits;
    int death_signal;
    int *failed_step;
} QemuSpawnOptions;
typedef struct QemuProcessStatus { int end; int exit_code; int term_signal; bool core_dumped; } QemuProcessStatus;

QemuProcess *qemu_spawn(const char *const *argv, const QemuSpawnOptions *opts, Error **errp);
int qemu_process_take_fd(QemuProcess *proc, int child_fd);
int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, QemuProcessStatus *status, Error **errp);
char *qemu_process_status_str(const QemuProcessStatus *status);
void qemu_process_free(QemuProcess *proc);
const char *error_get_pretty(const Error *err);
void error_free(Error *err);

typedef struct FILE FILE;
FILE *fdopen(int fd, const char *mode);
size_t fread(void *buffer, size_t size, size_t n, FILE *file);
int fclose(FILE *file);
void free(void *);
]]

local C = ffi.C
local library = ffi.load("libqemu_fork.so.0")
local M = { SPAWN_SEARCH_PATH = C.QEMU_SPAWN_SEARCH_PATH, SPAWN_PIPE_STDOUT = C.QEMU_SPAWN_PIPE_STDOUT }

local Process = {}
Process.__index = Process

-- A handle, which the collector frees; or nil and the reason.
function M.spawn(argv, flags)
    local words = ffi.new("const char *[?]", #argv + 1) -- all NULL
    for i, word in ipairs(argv) do
        words[i - 1] = word
    end
    local options = ffi.new("QemuSpawnOptions", { size = ffi.sizeof("QemuSpawnOptions"), flags = flags or 0 })
    local errp = ffi.new("Error *[1]")
    local handle = library.qemu_spawn(words, options, errp)
    if handle == nil then
        local text = ffi.string(library.error_get_pretty(errp[0]))
        library.error_free(errp[0])
        return nil, text
    end
    return ffi.gc(handle, library.qemu_process_free)
end

-- All that the child writes to its stdout, which SPAWN_PIPE_STDOUT asked for.
function Process:read_stdout()
    local file = C.fdopen(library.qemu_process_take_fd(self, 1), "r")
    local buffer, parts = ffi.new("char[4096]"), {}
    repeat
        local n = C.fread(buffer, 1, 4096, file)
        parts[#parts + 1] = ffi.string(buffer, n)
    until n == 0
    C.fclose(file)
    return table.concat(parts)
end

-- How the child ended; nil where the time is up.
function Process:wait(timeout_ms)
    local status = ffi.new("QemuProcessStatus")
    return library.qemu_process_wait(self, timeout_ms or -1, status, nil) == 1 and status or nil
end

local Status = {}

function Status:__tostring()
    local text = library.qemu_process_status_str(self)
    local copy = ffi.string(text)
    C.free(text)
    return copy
end

ffi.metatype("QemuProcess", Process)
ffi.metatype("QemuProcessStatus", Status)
return M
