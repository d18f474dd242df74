-- What a program can be given, by spawn() and by run(). Prints TAP.
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")
local qemu_fork = require("qemu_fork")
local tap = require("tap")

ffi.cdef[[
unsigned geteuid(void);
int setgroups(size_t n, const unsigned *groups);
char *mkdtemp(char *template);
int unlink(const char *path);
int rmdir(const char *path);
]]
local C, run, spawn = ffi.C, qemu_fork.run, qemu_fork.spawn
local ENOENT, ENXIO, EBADF, EINVAL, NOBODY = 2, 6, 9, 22, 65534

local function same(found, wanted)
    if found ~= wanted then
        error(("%s instead of %s"):format(tostring(found), tostring(wanted)), 2)
    end
end

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local function write(path, text)
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
end

-- How a program ends.
local function ends(argv, flags)
    local process = assert(spawn(argv, flags))
    local status = tostring(process:wait())
    process:close()
    return status
end

-- The errno, the step and the reason of a program that cannot be started.
local function refused(argv)
    local process, why, errno, step = spawn(argv)
    same(process, nil)
    return errno, step, why
end

local tests = {
    { "files that the child opens", function()
        local template = ffi.new("char[?]", 32, "/tmp/qemu-fork-lua-XXXXXX")
        local folder = ffi.string(assert(C.mkdtemp(template)))
        for _ = 1, 2 do
            ends({ "/bin/sh", "-c", "head -c 1 >/dev/null; echo oh >&2", cwd = folder,
                   files = { { 0, "/proc/self/comm" }, { 1, "log", "a", mode = 384 } } }, qemu_fork.SPAWN_MERGE_STDERR)
        end
        same(read(folder .. "/log"), "oh\noh\n")
        same(run({ "stat", "-c", "%a", folder .. "/log" }).stdout, "600\n")
        local errno, step = refused{ "/bin/true", files = { { 7, folder .. "/none" } } }
        same(errno, ENOENT)
        same(step, "files")
        for _, file in ipairs({ { 7, "a\0b" }, { 7, "log", "x" } }) do
            same(pcall(spawn, { "/bin/true", files = { file } }), false)
        end
        C.unlink(folder .. "/log")
        C.rmdir(folder)
    end },
    { "descriptors that the child does not have", function()
        same(ends{ "/bin/sh", "-c", "test ! -e /proc/self/fd/0", closed_fds = { 0, 5 } }, "exited with status 0")
    end },
    { "the PATH of the child", function()
        same(run({ "echo", "hello", search_child_path = true, env = { PATH = "/bin" } }).stdout, "hello\n")
        local result, _, failure = run{ "echo", search_child_path = true, env = { PATH = "/none" } }
        same(result, nil)
        same(failure.errno, ENOENT)
        same(refused{ "echo", search_child_path = true, env = { PATH = "/none" } }, ENOENT)
    end },
    { "niceness", function()
        same(run({ "nice", nice = 19 }).stdout, "19\n")
        same(refused{ "/bin/true", nice = 20 }, EINVAL)
    end },
    { "ordinary scheduling", function()
        local path = "/proc/self/oom_score_adj"
        local before = read(path)
        write(path, "200")
        local usual = ends{ "/bin/grep", "-qx", "0", path }
        local clean = ends{ "/bin/grep", "-qx", "0", path, clean_sched = true }
        write(path, before)
        same(usual, "exited with status 1")
        same(clean, "exited with status 0")
    end },
    { "a user", function()
        local root = C.geteuid() == 0
        local user = root and NOBODY or tonumber(C.geteuid())
        same(run({ "id", "-u", uid = user }).stdout, user .. "\n")
        same(select(3, refused{ "/bin/true", keep_groups = true }), "cannot spawn: KEEP_GROUPS needs SET_UID")
        if root then
            assert(C.setgroups(1, ffi.new("unsigned[1]", 4711)) == 0)
            local dropped = run({ "id", "-G", uid = user }).stdout
            local kept = run({ "id", "-G", uid = user, keep_groups = true }).stdout
            C.setgroups(0, nil)
            same(dropped:find("4711"), nil)
            assert(kept:find("4711"), kept)
        end
    end },
    { "the foreground without a terminal", function()
        local errno, step = refused{ "/bin/true", foreground = true }
        same(errno, ENXIO)
        same(step, "terminal")
    end },
    { "a cgroup that is none", function()
        local errno, step = refused{ "/bin/true", cgroup = "/" }
        same(errno, EBADF)
        same(step, "cgroup")
        same(refused{ "/bin/true", cgroup = "/none" }, EBADF)
    end },
    { "an option that there is not", function()
        same(pcall(spawn, { "/bin/true", colour = "red" }), false)
        same(pcall(run, { "true", colour = "red" }), false)
    end },
}

tap(tests)
