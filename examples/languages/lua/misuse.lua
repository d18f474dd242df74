-- What a program may get wrong: it is an error each time, and nothing leaks. Prints TAP.
--
-- LuaJIT has one thread; what is in the middle of a call there is a run that calls its sink.
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")
local qemu_fork = require("qemu_fork")
local tap = require("tap")

ffi.cdef[[
int kill(int pid, int sig);
int fcntl(int fd, int command, ...);
struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
struct mallinfo2 mallinfo2(void);
]]
local C, run, spawn, start = ffi.C, qemu_fork.run, qemu_fork.spawn, qemu_fork.start
local ESRCH, EBADF, EINVAL, ECANCELED, ENOENT = 3, 9, 22, 125, 2
local SIGTERM, F_GETFD = 15, 1
local SAYS_ITS_ID = "echo $$; exec sleep 100000"

local function same(found, wanted)
    if found ~= wanted then
        error(("%s instead of %s"):format(tostring(found), tostring(wanted)), 2)
    end
end

-- A call that is an error, whose text has some words.
local function throws(words, call, ...)
    local fine, why = pcall(call, ...)
    if fine or not tostring(why):find(words, 1, true) then
        error(("%s instead of an error: %s"):format(tostring(why), words), 2)
    end
end

local function gone(pid)
    same(C.kill(pid, 0), -1)
    same(ffi.errno(), ESRCH)
end

local function to_the_end(one)
    local done, result, why, failure
    repeat
        done, result, why, failure = one:step()
    until done
    return result, why, failure
end

local tests = {
    { "process after close", function()
        local process = spawn({ "/bin/sleep", "100000" })
        local pid = process:pid()
        assert(process:stop(-1))
        gone(pid)
        process:close()
        for _, method in ipairs({ "wait", "stop", "kill", "read_stdout", "pid" }) do
            throws("closed", process[method], process, 0)
        end
    end },
    { "process adopted and its status checked", function()
        local process = spawn({ "/bin/sh", "-c", "exit 3" })
        local adopted = assert(qemu_fork.adopt(process:pid()))
        local status = adopted:wait()
        local good, why, number = status:check("the child")
        same(good, nil)
        same(why, "the child exited with status 3")
        same(number, 5)
        same(select(3, qemu_fork.adopt(process:pid())), 10)
        same(select(3, qemu_fork.adopt(0)), EINVAL)
        adopted:close()
        process:close()
        process = spawn({ "/bin/true" })
        same(process:wait():check(), true)
        process:close()
    end },
    { "process closed twice", function()
        local process = spawn({ "/bin/true" })
        local status = process:wait()
        for _ = 1, 10 do
            same(tostring(status), "exited with status 0")
        end
        process:close()
        process:close()
    end },
    { "stdout that is no pipe", function()
        local process = spawn({ "/bin/true" })
        throws("no pipe", process.read_stdout, process)
        process:wait()
        process:close()
    end },
    { "stdout read twice", function()
        local process = spawn({ "/bin/echo" }, qemu_fork.SPAWN_PIPE_STDOUT)
        same(process:read_stdout(), "\n")
        throws("read before", process.read_stdout, process)
        process:wait()
        process:close()
    end },
    { "signal that there is not", function()
        local process = spawn({ "/bin/sleep", "100000" })
        same(select(3, process:kill(12345)), EINVAL)
        assert(process:kill(SIGTERM))
        same(process:wait().term_signal, SIGTERM)
        same(select(3, process:kill(SIGTERM)), ESRCH)
        process:close()
    end },
    { "handle that was never made", function()
        local process, why, errno, step = spawn({ "/etc/not-there" })
        same(process, nil)
        same(why, "cannot execute '/etc/not-there': No such file or directory")
        same(errno, ENOENT)
        same(step, "exec")
        same(select(3, spawn({})), EINVAL)
        throws("", spawn)
    end },
    { "text with a NUL", function()
        throws("NUL", spawn, { "a\0b" })
        throws("NUL", run, { "true", "a\0b" })
        throws("NUL", run, { "true", cwd = "a\0b" })
        throws("NUL", run, { "true", env = { ["a\0b"] = "" } })
        throws("NUL", run, { "true", env = { NAME = "a\0b" } })
        throws("=", run, { "true", env = { ["A=B"] = "" } })
    end },
    { "run after close", function()
        local one = start{ "sleep", "100000" }
        local pid = one:pid()
        one:close()
        gone(pid)
        for _, method in ipairs({ "step", "cancel", "fd", "pid", "kill" }) do
            throws("closed", one[method], one, 0)
        end
        one:close()
    end },
    { "run closed by its sink", function()
        local one
        one = start{ "sh", "-c", SAYS_ITS_ID, sink = function()
            one:close()
        end }
        local pid = one:pid()
        throws("closed", to_the_end, one)
        gone(pid)
    end },
    { "run stepped by its sink", function()
        local one
        one = start{ "echo", sink = function()
            one:step()
        end }
        throws("middle of a step", to_the_end, one)
        one:close()
    end },
    { "run in a sink of another", function()
        local inner
        assert(run{ "echo", sink = function()
            inner = run{ "echo", "inner", lines = true, sink = function(_, line)
                same(line, "inner\n")
            end }
        end })
        same(inner.stdout_total, 6)
    end },
    { "run stepped after its end", function()
        local one = start{ "true" }
        assert(to_the_end(one))
        throws("over", one.step, one)
        one:close()
    end },
    { "run cancelled", function()
        local one = start{ "sleep", "100000" }
        one:cancel()
        one:cancel()
        local _, _, failure = to_the_end(one)
        same(failure.errno, ECANCELED)
        one:cancel()
        one:close()
    end },
    { "sink that throws", function()
        local pid
        local thrown = { "a table" }
        local fine, why = pcall(run, { "sh", "-c", SAYS_ITS_ID, sink = function(_, text)
            pid = tonumber(text)
            error(thrown)
        end })
        same(fine, false)
        same(why, thrown)
        gone(pid)
    end },
    { "sink that yields", function()
        local resume = coroutine.wrap(function()
            throws("yield", run, { "sh", "-c", SAYS_ITS_ID, sink = coroutine.yield })
            return "done"
        end)
        same(resume(), "done")
    end },
    { "sink that says no", function()
        local _, _, failure = run{ "sh", "-c", SAYS_ITS_ID, grace_ms = math.huge, sink = function() return false end }
        same(failure.errno, ECANCELED)
        same(failure.term_signal, SIGTERM)
    end },
    { "arguments that make no sense", function()
        same(select(3, run{}).errno, EINVAL)
        throws("", run)
        throws("an argument", run, { "true", 5 })
        throws("no option timeout", run, { "true", timeout = 5 })
        throws("timeout_ms", run, { "true", timeout_ms = "long" })
        throws("timeout_ms", run, { "true", timeout_ms = 0 / 0 })
        throws("stdout cannot be", run, { "true", stdout = "tty" })
        throws("sink is a function", run, { "true", sink = 5 })
        throws("input is a string", run, { "cat", input = {} })
        same(select(3, run{ "true", stdout = 12345 }).errno, EBADF)
        same(select(3, run{ "true", cut = true, keep_tail = true }).errno, EINVAL)
    end },
}

-- The bytes that malloc() has given out. Lua's own are not among them.
local function allocated()
    collectgarbage()
    collectgarbage()
    local info = C.mallinfo2()
    return tonumber(info.uordblks) + tonumber(info.hblkhd)
end

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local function descriptors()
    local open = {}
    for fd = 0, 1023 do
        if C.fcntl(fd, F_GETFD) >= 0 then
            open[#open + 1] = fd
        end
    end
    return table.concat(open, " ")
end

local function all_of_it()
    for _, test in ipairs(tests) do
        test[2]()
    end
end

local and_then = {
    { "nothing leaks", function()
        all_of_it()
        local fds, before = descriptors(), allocated()
        for _ = 1, 4 do
            all_of_it()
        end
        -- A handle, a text or a result of each time would be more.
        local more = allocated() - before
        assert(more < 4 * 32, more .. " bytes more")
        same(descriptors(), fds)
        same(read("/proc/thread-self/children"), "")
    end },
    { "handles that are forgotten", function()
        local function count()
            collectgarbage()
            return select(2, descriptors():gsub("%d+", ""))
        end
        local before = count()
        for _ = 1, 20 do
            spawn({ "/bin/true" }):wait()
            start{ "sleep", "100000" }
        end
        -- The last ones may still be on the stack. Each has one descriptor at the least.
        count()
        local after = count()
        assert(after < before + 20, after .. " descriptors")
    end },
}

local all = {}
for _, list in ipairs({ tests, and_then }) do
    for _, test in ipairs(list) do
        all[#all + 1] = test
    end
end
tap(all)
