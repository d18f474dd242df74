-- qemu-fork by LuaJIT's FFI.
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")

ffi.cdef[[
enum {
    QEMU_SPAWN_SEARCH_PATH = 1 << 0, QEMU_SPAWN_SET_UID = 1 << 4, QEMU_SPAWN_NULL_STDOUT = 1 << 10,
    QEMU_SPAWN_NULL_STDERR = 1 << 11, QEMU_SPAWN_PIPE_STDOUT = 1 << 13, QEMU_SPAWN_MERGE_STDERR = 1 << 15,
    QEMU_SPAWN_SEARCH_CHILD_PATH = 1 << 18, QEMU_SPAWN_KEEP_GROUPS = 1 << 19, QEMU_SPAWN_FOREGROUND = 1 << 20,
    QEMU_SPAWN_SET_NICE = 1 << 21, QEMU_SPAWN_CLEAN_SCHED = 1 << 22, QEMU_SPAWN_INTO_CGROUP = 1 << 23,
    QEMU_SPAWN_FD_CLOSED = -101,
    QEMU_PROCESS_USAGE_PEAK = 1 << 0, QEMU_PROCESS_USAGE_TIMES = 1 << 1,
    QEMU_RUN_CHECK = 1 << 0, QEMU_RUN_CUT = 1 << 1, QEMU_RUN_KEEP_TAIL = 1 << 2, QEMU_RUN_LINES = 1 << 3,
    QEMU_RUN_KILL = 1 << 5, QEMU_RUN_INHERIT_STDIN = 1 << 6, QEMU_RUN_INHERIT_STDOUT = 1 << 7,
    QEMU_RUN_INHERIT_STDERR = 1 << 8, QEMU_RUN_CANCEL_FD = 1 << 9,
    QEMU_RUN_RESULT_PIPE_HELD = 1 << 2, QEMU_RUN_RESULT_INPUT_LEFT = 1 << 3,
    QEMU_PROCESS_EXITED = 1, QEMU_PROCESS_SIGNALED = 2, QEMU_RUN_END_NOT_STARTED = 0,
};

typedef struct Error Error;
typedef struct QemuProcess QemuProcess;
typedef struct QemuRun QemuRun;
typedef struct QemuSpawnFd { int source; int target; } QemuSpawnFd;
typedef struct QemuSpawnFile { int target; const char *path; int flags; unsigned mode; } QemuSpawnFile;
typedef struct QemuSpawnOptions {
    size_t size;
    uint64_t flags;
    const char *executable;
    const char *cwd;
    const char *const *envp;
    const char *const *env_set;
    const char *const *env_unset;
    const QemuSpawnFd *fds;
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
    const QemuSpawnFile *files;
    size_t n_files;
    int nice;
    int cgroup_fd;
} QemuSpawnOptions;
typedef struct QemuProcessStatus { int end; int exit_code; int term_signal; bool core_dumped; } QemuProcessStatus;
typedef struct QemuProcessUsage {
    uint64_t flags;
    uint64_t user_us;
    uint64_t system_us;
    uint64_t wall_us;
    uint64_t peak_kib;
} QemuProcessUsage;
typedef bool (*QemuRunSink)(void *opaque, int child_fd, const char *data, size_t len);
typedef struct QemuRunOptions {
    size_t size;
    uint64_t flags;
    const void *input;
    size_t input_len;
    size_t stdout_limit;
    size_t stderr_limit;
    int64_t timeout_ms;
    int64_t grace_ms;
    int64_t linger_ms;
    int cancel_fd;
    QemuRunSink sink;
    void *opaque;
} QemuRunOptions;
typedef struct QemuRunResult {
    size_t size;
    int end;
    QemuProcessStatus status;
    uint64_t flags;
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
    uint64_t out_total;
    uint64_t err_total;
    QemuProcessUsage usage;
} QemuRunResult;

QemuProcess *qemu_spawn(const char *const *argv, const QemuSpawnOptions *opts, Error **errp);
int qemu_process_pid(const QemuProcess *proc);
int qemu_process_take_fd(QemuProcess *proc, int child_fd);
int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, QemuProcessStatus *status, Error **errp);
bool qemu_process_kill(QemuProcess *proc, int sig, Error **errp);
bool qemu_process_stop(QemuProcess *proc, int64_t grace_ms, QemuProcessStatus *status, Error **errp);
char *qemu_process_status_str(const QemuProcessStatus *status);
bool qemu_process_status_check(const QemuProcessStatus *status, const char *what, Error **errp);
QemuProcess *qemu_process_adopt(int pid, Error **errp);
void qemu_process_free(QemuProcess *proc);
QemuRun *qemu_run_start(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *run,
                        Error **errp);
int qemu_run_fd(const QemuRun *run);
int qemu_run_step(QemuRun *run, QemuRunResult *result, Error **errp);
void qemu_run_cancel(QemuRun *run);
QemuProcess *qemu_run_process(QemuRun *run);
void qemu_run_free(QemuRun *run);
void qemu_run_result_clear(QemuRunResult *result);
const char *error_get_pretty(const Error *err);
void error_free(Error *err);

typedef struct FILE FILE;
FILE *fdopen(int fd, const char *mode);
size_t fread(void *buffer, size_t size, size_t n, FILE *file);
int fclose(FILE *file);
int open(const char *path, int flags, ...);
int close(int fd);
void free(void *);
char *strerror(int number);
typedef struct pollfd { int fd; short events; short revents; } pollfd;
int poll(pollfd *fds, unsigned long n, int timeout);
]]

local C = ffi.C
local library = ffi.load("libqemu_fork.so.0")
local POLLIN = 1
local STEPS = { [0] = "none", "arguments", "pipe", "fork", "signals", "session", "group", "fds", "cwd", "rlimit",
                "credentials", "death_signal", "exec", "files", "cgroup", "sched",
                "terminal" }
local M = { SPAWN_SEARCH_PATH = C.QEMU_SPAWN_SEARCH_PATH, SPAWN_PIPE_STDOUT = C.QEMU_SPAWN_PIPE_STDOUT,
            SPAWN_MERGE_STDERR = C.QEMU_SPAWN_MERGE_STDERR, STEPS = STEPS }

-- The text of an Error, which is freed, and the errno of the call before.
local function reason(errp, number)
    if errp[0] == nil then
        return ffi.string(C.strerror(number)), number
    end
    local text = ffi.string(library.error_get_pretty(errp[0]))
    library.error_free(errp[0])
    return text, number
end

-- A string for C, which ends at the first NUL: one that has a NUL in it would be cut there.
local function text(value, what)
    if type(value) ~= "string" then
        error(what .. " is a string, not a " .. type(value), 0)
    elseif value:find("\0", 1, true) then
        error(what .. " has a NUL", 0)
    end
    return value
end

-- Strings ended by NULL. They live as long as the list.
local function strings(list, what)
    local words = ffi.new("const char *[?]", #list + 1) -- all NULL
    for i, word in ipairs(list) do
        words[i - 1] = text(word, what)
    end
    return words
end

local function environment(variables)
    local list = {}
    for name, value in pairs(variables) do
        if text(name, "a variable"):find("=", 1, true) then
            error("a variable has a =: " .. name, 0)
        end
        list[#list + 1] = name .. "=" .. text(value, "a variable")
    end
    return list
end

-- What io.open() knows modes by, in Linux's numbers.
local O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_DIRECTORY, O_CLOEXEC = 1, 2, 64, 512, 1024, 65536, 524288
if ffi.arch:find("arm", 1, true) or ffi.arch:find("ppc", 1, true) then
    O_DIRECTORY = 16384
end
local MODES = { r = 0, ["r+"] = O_RDWR, w = O_WRONLY + O_CREAT + O_TRUNC, ["w+"] = O_RDWR + O_CREAT + O_TRUNC,
                a = O_WRONLY + O_CREAT + O_APPEND, ["a+"] = O_RDWR + O_CREAT + O_APPEND }

local SPAWN_FLAGS = { keep_groups = C.QEMU_SPAWN_KEEP_GROUPS, foreground = C.QEMU_SPAWN_FOREGROUND,
                      clean_sched = C.QEMU_SPAWN_CLEAN_SCHED, search_child_path = C.QEMU_SPAWN_SEARCH_CHILD_PATH }
local SPAWN_NUMBERS = { uid = C.QEMU_SPAWN_SET_UID, nice = C.QEMU_SPAWN_SET_NICE }
local SPAWN_OTHERS = { cwd = "string", env = "table", files = "table", closed_fds = "table", cgroup = "string" }

local function files(list)
    local found = {}
    for i, file in ipairs(list) do
        local mode = MODES[file[3] or "r"] or error("a file's mode cannot be " .. tostring(file[3]), 0)
        found[i] = { file[1], text(file[2], "a file"), mode, file.mode or 438 } -- rw-rw-rw-
    end
    return found
end

-- C's structure, and what it points to. release() ends what it needs.
--
-- The names: cwd; env, a table; files, of { the child's descriptor, path, a mode of io.open(), mode = permissions }, which
-- the child opens as its user and in its working directory; closed_fds, which the child does not have; uid, without our
-- groups unless with keep_groups; nice; clean_sched; foreground; cgroup, the path of a directory; search_child_path, for
-- the PATH in env.
local function spawn_options(options, flags, fds)
    local keep = { env = options.env and environment(options.env), step = ffi.new("int[1]"), paths = {} }
    local members = { size = ffi.sizeof("QemuSpawnOptions"), failed_step = keep.step,
                      cwd = options.cwd and text(options.cwd, "cwd") }
    for name, flag in pairs(SPAWN_FLAGS) do
        flags = bit.bor(flags, options[name] and flag or 0)
    end
    if options.search_child_path then
        flags = bit.band(flags, bit.bnot(C.QEMU_SPAWN_SEARCH_PATH))
    end
    for name, flag in pairs(SPAWN_NUMBERS) do
        if options[name] then
            members[name] = assert(tonumber(options[name]), name .. " is a number")
            flags = bit.bor(flags, flag)
        end
    end
    for _, fd in ipairs(options.closed_fds or {}) do
        fds[#fds + 1] = { C.QEMU_SPAWN_FD_CLOSED, fd }
    end
    keep.list = files(options.files or {})
    keep.files = ffi.new("QemuSpawnFile[?]", #keep.list, keep.list)
    members.files, members.n_files = keep.files, #keep.list
    keep.envp = keep.env and strings(keep.env, "a variable")
    keep.fds = ffi.new("QemuSpawnFd[?]", #fds, fds)
    members.envp, members.fds, members.n_fds = keep.envp, keep.fds, #fds
    if options.cgroup then
        members.cgroup_fd = C.open(text(options.cgroup, "cgroup"), O_DIRECTORY + O_CLOEXEC)
        flags = bit.bor(flags, C.QEMU_SPAWN_INTO_CGROUP)
    end
    members.flags = flags
    function keep.release()
        if options.cgroup and members.cgroup_fd >= 0 then
            C.close(members.cgroup_fd)
        end
    end
    return ffi.new("QemuSpawnOptions", members), keep
end

local Process = {}
Process.__index = Process

local function handle_of(self)
    return self.handle or error("it is closed", 3)
end

-- A child, which the collector frees; or nil, the reason, the errno and the step. The list has the arguments, and options
-- by the names of spawn_options().
function M.spawn(argv, flags)
    for name in pairs(argv) do
        if type(name) ~= "number" and not (SPAWN_FLAGS[name] or SPAWN_NUMBERS[name] or SPAWN_OTHERS[name]) then
            error("there is no option " .. tostring(name), 2)
        end
    end
    local words, errp = strings(argv, "an argument"), ffi.new("Error *[1]")
    local options, keep = spawn_options(argv, flags or 0, {})
    local handle = library.qemu_spawn(words, options, errp)
    local errno = ffi.errno()
    keep.release()
    if handle == nil then
        local why, number = reason(errp, errno)
        return nil, why, number, STEPS[keep.step[0]]
    end
    return setmetatable({ handle = ffi.gc(handle, library.qemu_process_free) }, Process)
end

-- A child that something else has started, and that nobody has reaped; or nil, the reason and the errno.
function M.adopt(pid)
    local errp = ffi.new("Error *[1]")
    local handle = library.qemu_process_adopt(pid, errp)
    if handle == nil then
        return nil, reason(errp, ffi.errno())
    end
    return setmetatable({ handle = ffi.gc(handle, library.qemu_process_free) }, Process)
end

-- Frees the handle. A second time does nothing; everything else is an error from then on.
function Process:close()
    if self.handle then
        library.qemu_process_free(ffi.gc(self.handle, nil))
        self.handle = nil
    end
end

function Process:pid()
    return library.qemu_process_pid(handle_of(self))
end

-- All that the child writes to its stdout, which SPAWN_PIPE_STDOUT asked for.
function Process:read_stdout()
    local fd = library.qemu_process_take_fd(handle_of(self), 1)
    if fd < 0 then
        error("stdout is no pipe, or was read before", 2)
    end
    local file = C.fdopen(fd, "r")
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
    return library.qemu_process_wait(handle_of(self), timeout_ms or -1, status, nil) == 1 and status or nil
end

local function kill(process, signal)
    local errp = ffi.new("Error *[1]")
    if library.qemu_process_kill(process, signal, errp) then
        return true
    end
    return nil, reason(errp, ffi.errno())
end

-- Sends a signal, and never to another process that has got the child's id since. True; or nil, the reason, the errno.
function Process:kill(signal)
    return kill(handle_of(self), signal)
end

-- Ends the child by SIGTERM, and after a time by SIGKILL. How it ended; or nil, the reason, the errno.
function Process:stop(grace_ms)
    local status, errp = ffi.new("QemuProcessStatus"), ffi.new("Error *[1]")
    if library.qemu_process_stop(handle_of(self), grace_ms or 1000, status, errp) then
        return status
    end
    return nil, reason(errp, ffi.errno())
end

-- The run that is in the middle of a step: a sink is called nowhere else.
local stepping

-- Nothing can be thrown through C: what the sink throws is kept, and stops the program.
local take = ffi.cast("QemuRunSink", function(_, child_fd, data, len)
    local self = stepping
    local fine, answer = pcall(self.sink, child_fd, ffi.string(data, len))
    if not fine then
        self.thrown = { answer }
    end
    return fine and answer ~= false
end)

local FLAGS = { check = C.QEMU_RUN_CHECK, cut = C.QEMU_RUN_CUT, keep_tail = C.QEMU_RUN_KEEP_TAIL,
                lines = C.QEMU_RUN_LINES, kill = C.QEMU_RUN_KILL }
local NUMBERS = { timeout_ms = true, grace_ms = true, linger_ms = true, stdout_limit = true, stderr_limit = true,
                  cancel_fd = true }
local STREAMS = { stdin = { 0, C.QEMU_RUN_INHERIT_STDIN, 0 },
                  stdout = { 1, C.QEMU_RUN_INHERIT_STDOUT, C.QEMU_SPAWN_NULL_STDOUT },
                  stderr = { 2, C.QEMU_RUN_INHERIT_STDERR, C.QEMU_SPAWN_NULL_STDERR } }
local OTHERS = { input = "string", sink = "function" }

-- What stdin, stdout or stderr is: "inherit", "null", a descriptor, or for stderr "merge".
local function stream(flags, fds, name, value)
    local fd, inherit, null = unpack(STREAMS[name])
    if value == "inherit" then
        flags.run = flags.run + inherit
    elseif value == "null" then
        flags.spawn = flags.spawn + null
    elseif value == "merge" and name == "stderr" then
        flags.spawn = flags.spawn + C.QEMU_SPAWN_MERGE_STDERR
    elseif type(value) == "number" then
        fds[#fds + 1] = { value, fd }
    else
        error(name .. " cannot be " .. tostring(value), 0)
    end
end

local function number(name, value)
    if type(value) ~= "number" or value ~= value then
        error(name .. " is a number, not " .. tostring(value), 0)
    elseif value == math.huge then
        return name:find("limit") and ffi.cast("size_t", -1) or -1
    end
    return value
end

-- C's structures, and what they point to.
local function structures(options)
    local flags, fds, numbers = { spawn = C.QEMU_SPAWN_SEARCH_PATH, run = 0 }, {}, {}
    for name, value in pairs(options) do
        if FLAGS[name] then
            flags.run = flags.run + (value and FLAGS[name] or 0)
        elseif NUMBERS[name] then
            numbers[name] = number(name, value)
        elseif STREAMS[name] then
            stream(flags, fds, name, value)
        elseif OTHERS[name] or SPAWN_OTHERS[name] then
            local kind = OTHERS[name] or SPAWN_OTHERS[name]
            if type(value) ~= kind then
                error(name .. " is a " .. kind .. ", not a " .. type(value), 0)
            end
        elseif type(name) ~= "number" and not (SPAWN_FLAGS[name] or SPAWN_NUMBERS[name]) then
            error("there is no option " .. tostring(name), 0)
        end
    end
    flags.run = flags.run + (options.cancel_fd and C.QEMU_RUN_CANCEL_FD or 0)
    local spawn, keep = spawn_options(options, flags.spawn, fds)
    numbers.size, numbers.flags = ffi.sizeof("QemuRunOptions"), flags.run
    local run = ffi.new("QemuRunOptions", numbers)
    if options.input then
        run.input, run.input_len = ffi.cast("const char *", options.input), #options.input
    end
    if options.sink then
        run.sink = take
    end
    return spawn, run, keep
end

local Run = {}
Run.__index = Run

-- Starts a run for a main loop, which calls step() when fd() is readable; or nil, the reason and the failure.
function M.start(options)
    local fine, spawn, run, keep = pcall(structures, options)
    if not fine then
        error(spawn, 2)
    end
    local argv = {}
    for i, word in ipairs(options) do
        argv[i] = word
    end
    local listed, words = pcall(strings, argv, "an argument")
    if not listed then
        error(words, 2)
    end
    local errp = ffi.new("Error *[1]")
    local handle = library.qemu_run_start(words, spawn, run, errp)
    local number = ffi.errno()
    keep.release()
    if handle == nil then
        local why, errno = reason(errp, number)
        return nil, why, { errno = errno, step = STEPS[keep.step[0]] }
    end
    -- The library reads the input until the run is over.
    return setmetatable({ handle = ffi.gc(handle, library.qemu_run_free), sink = options.sink, input = options.input },
                        Run)
end

-- The descriptor to wait for. It belongs to the run.
function Run:fd()
    return library.qemu_run_fd(handle_of(self))
end

function Run:pid()
    return library.qemu_process_pid(library.qemu_run_process(handle_of(self)))
end

function Run:kill(signal)
    return kill(library.qemu_run_process(handle_of(self)), signal)
end

-- Stops the program. The next step() does it.
function Run:cancel()
    library.qemu_run_cancel(handle_of(self))
end

-- Frees the run, and kills a program that still runs. In its sink: after the step.
function Run:close()
    if self.handle and not self.in_step then
        library.qemu_run_free(ffi.gc(self.handle, nil))
    end
    self.handle = nil
end

local function ended(result, errno)
    local status, usage = result.status, result.usage
    local times = bit.band(usage.flags, C.QEMU_PROCESS_USAGE_TIMES) ~= 0
    return {
        errno = errno,
        exit_code = status["end"] == C.QEMU_PROCESS_EXITED and status.exit_code or nil,
        term_signal = status["end"] == C.QEMU_PROCESS_SIGNALED and status.term_signal or nil,
        stdout = ffi.string(result.out, result.out_len),
        stderr = ffi.string(result.err, result.err_len),
        stdout_total = tonumber(result.out_total),
        stderr_total = tonumber(result.err_total),
        pipe_held = bit.band(result.flags, C.QEMU_RUN_RESULT_PIPE_HELD) ~= 0,
        input_left = bit.band(result.flags, C.QEMU_RUN_RESULT_INPUT_LEFT) ~= 0,
        usage = {
            user_us = times and tonumber(usage.user_us) or nil,
            system_us = times and tonumber(usage.system_us) or nil,
            wall_us = tonumber(usage.wall_us),
            peak_kib = bit.band(usage.flags, C.QEMU_PROCESS_USAGE_PEAK) ~= 0 and tonumber(usage.peak_kib) or nil,
        },
    }
end

-- The call of C that calls the sink. LuaJIT cannot compile that.
local function c_step(self, result, errp)
    local handle, outer = self.handle, stepping
    stepping, self.in_step = self, true
    local done = library.qemu_run_step(handle, result, errp)
    local errno = ffi.errno()
    stepping, self.in_step = outer, nil
    if not self.handle then -- the sink has closed it
        library.qemu_run_free(ffi.gc(handle, nil))
    end
    return done, errno
end
jit.off(c_step)

-- False while the run goes on. Then true and the result, or true, nil, the reason and the failure, which has the same
-- members and errno. What the sink has thrown is thrown here, when the program has ended.
function Run:step()
    handle_of(self)
    if self.in_step then
        error("the run is in the middle of a step", 2)
    elseif self.over then
        error("the run is over", 2)
    end
    local result, errp = ffi.new("QemuRunResult", { size = ffi.sizeof("QemuRunResult") }), ffi.new("Error *[1]")
    local done, errno = c_step(self, result, errp)
    if done == 0 then
        return false
    end
    self.over = true
    local why = done < 0 and reason(errp, errno) or nil
    local outcome = result["end"] ~= C.QEMU_RUN_END_NOT_STARTED and ended(result, why and errno) or { errno = errno }
    library.qemu_run_result_clear(result)
    if self.thrown then
        error(self.thrown[1], 0)
    elseif why then
        return true, nil, why, outcome
    end
    return true, outcome
end

-- Runs a program to its end. A result { exit_code or term_signal, stdout, stderr, ... }; or nil, the reason, and a
-- failure with errno, and with step or the same members.
--
-- The list has the arguments, and: input; timeout_ms, grace_ms, linger_ms, stdout_limit, stderr_limit and cancel_fd as
-- QemuRunOptions has them, math.huge for no limit; check, cut, keep_tail, lines and kill; those of spawn_options(); stdin,
-- stdout and stderr: "inherit", "null", a descriptor, "merge"; sink, a function of 1 or 2 and the output, whose false
-- stops the program.
function M.run(options)
    local run, why, failure = M.start(options)
    if not run then
        return nil, why, failure
    end
    local ready = ffi.new("pollfd[1]", { { run:fd(), POLLIN, 0 } })
    local function to_its_end()
        local done, result
        repeat
            C.poll(ready, 1, -1)
            done, result, why, failure = run:step()
        until done
        return result
    end
    local fine, result = pcall(to_its_end)
    run:close()
    if not fine then
        error(result, 0)
    end
    return result, why, failure
end

local Status = {}
Status.__index = Status

-- True if the child exited with status 0; otherwise nil, the reason, which names it, and the errno.
function Status:check(what)
    local errp = ffi.new("Error *[1]")
    if library.qemu_process_status_check(self, what and text(what, "a name"), errp) then
        return true
    end
    return nil, reason(errp, ffi.errno())
end

function Status:__tostring()
    local words = library.qemu_process_status_str(self)
    if words == nil then
        return "no status"
    end
    local copy = ffi.string(words)
    C.free(words)
    return copy
end

ffi.metatype("QemuProcessStatus", Status)
return M
