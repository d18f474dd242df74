-- What run{} does. Prints TAP.
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")
local qemu_fork = require("qemu_fork")
local tap = require("tap")

ffi.cdef("int kill(int pid, int sig); int pipe(int fds[2]); int close(int fd);")
local C, run = ffi.C, qemu_fork.run
local EIO, EACCES, ETIMEDOUT, ENOBUFS, ENOENT, ENOTDIR, ECANCELED = 5, 13, 110, 105, 2, 20, 125
local SIGKILL, SIGTERM = 9, 15

local function same(found, wanted)
    if found ~= wanted then
        error(("%s instead of %s"):format(tostring(found), tostring(wanted)), 2)
    end
end

local function fails(errno, options)
    local result, why, failure = run(options)
    same(result, nil)
    same(failure.errno, errno)
    return why, failure
end

-- The failure of a program that says something and goes on. It gets more time until it has said it.
local function times_out(script)
    local timeout_ms = 100
    while true do
        local why, failure = fails(ETIMEDOUT, { "/bin/sh", "-c", script, timeout_ms = timeout_ms })
        -- It may not even have been started in time.
        if failure.stdout and failure.stdout ~= "" then
            same(why:find("'/bin/sh' did not end within " .. timeout_ms .. " ms and was stopped", 1, true), 1)
            return failure
        end
        timeout_ms = timeout_ms * 2
    end
end

tap({
    { "output and status", function()
        local result = assert(run{ "sh", "-c", "echo out; echo err >&2; exit 3" })
        same(result.exit_code, 3)
        same(result.stdout, "out\n")
        same(result.stderr, "err\n")
        same(run{ "sh", "-c", "kill -9 $$" }.term_signal, SIGKILL)
    end },
    { "input, environment and streams", function()
        same(run{ "cat", input = "a\0b" }.stdout, "a\0b")
        same(run{ "cat", input = "" }.stdout, "")
        same(run{ "/usr/bin/env", env = { ONE = "1" } }.stdout, "ONE=1\n")
        same(run{ "/usr/bin/env", env = {} }.stdout, "")
        same(run{ "pwd", cwd = "/" }.stdout, "/\n")
        same(run{ "sh", "-c", "echo err >&2", stderr = "merge" }.stdout, "err\n")
        same(run{ "sh", "-c", "echo out; echo err >&2", stdout = "null" }.stdout, "")
        local fds = ffi.new("int[2]")
        C.pipe(fds)
        same(run{ "echo", "hello", stdout = fds[1] }.stdout, "")
        C.close(fds[1])
        same(run{ "cat", stdin = fds[0] }.stdout, "hello\n")
        C.close(fds[0])
    end },
    { "much of both", function()
        local input = ("some bytes"):rep(800000)
        same(run{ "cat", input = input }.stdout == input, true)
        same(run{ "true", input = input }.input_left, true)
    end },
    { "check", function()
        local why, failure = fails(EIO, { "/bin/sh", "-c", "echo half; echo no such disk >&2; exit 32", check = true })
        same(why, "'/bin/sh' exited with status 32: no such disk")
        same(failure.exit_code, 32)
        same(failure.stdout, "half\n")
        same(run{ "true", check = true }.exit_code, 0)
    end },
    { "deadline", function()
        same(times_out("echo half; exec sleep 100000").stdout, "half\n")
        fails(ETIMEDOUT, { "sleep", "100000", timeout_ms = 1, kill = true })
        same(run{ "true", timeout_ms = math.huge }.exit_code, 0)
    end },
    { "held pipe", function()
        -- What is left behind ends when it is killed, which is after the run.
        local result = run{ "sh", "-c", "sleep 100000 & echo $!" }
        C.kill(tonumber(result.stdout), SIGKILL)
        same(result.pipe_held, true)
    end },
    { "held pipe and deadline", function()
        local failure = times_out("sleep 100000 & echo $!; wait")
        C.kill(tonumber(failure.stdout), SIGKILL)
        same(failure.pipe_held, true)
    end },
    { "too much", function()
        local _, failure = fails(ENOBUFS, { "yes", stdout_limit = 1000 })
        same(#failure.stdout, 1000)
        same(run{ "printf", "0123456789", stdout_limit = 3, cut = true }.stdout, "012")
        same(run{ "printf", "0123456789", stdout_limit = 3, keep_tail = true }.stdout, "789")
        same(run{ "printf", "0123456789", stdout_limit = math.huge }.stdout, "0123456789")
    end },
    { "sink", function()
        local lines = {}
        local result = run{ "sh", "-c", "echo one; echo two >&2; printf three", lines = true, sink = function(fd, line)
            lines[#lines + 1] = fd .. line
        end }
        table.sort(lines)
        same(table.concat(lines, ","), "1one\n,1three,2two\n")
        same(result.stdout_total, 9)
    end },
    { "a sink in a hot loop, and in a coroutine", function()
        local n = 0
        local function count()
            n = n + 1
        end
        for _ = 1, 100 do
            run{ "echo", sink = count }
        end
        coroutine.wrap(function()
            run{ "echo", sink = count }
        end)()
        same(n, 101)
    end },
    { "cancelled", function()
        local fds = ffi.new("int[2]")
        C.pipe(fds)
        C.close(fds[1])
        local _, failure = fails(ECANCELED, { "sleep", "100000", cancel_fd = fds[0], grace_ms = math.huge })
        C.close(fds[0])
        same(failure.term_signal, SIGTERM)
    end },
    { "failed start", function()
        local why, failure = fails(ENOENT, { "/etc/not-there" })
        same(why, "cannot execute '/etc/not-there': No such file or directory")
        same(failure.step, "exec")
        why, failure = fails(ENOTDIR, { "true", cwd = "/etc/passwd" })
        same(failure.step, "cwd")
        fails(EACCES, { "/etc/passwd" })
    end },
    { "a hundred at once", function()
        local runs = {}
        for i = 1, 100 do
            runs[i] = assert(qemu_fork.start{ "echo", tostring(i) })
        end
        for i, one in ipairs(runs) do
            local ready, done, result = ffi.new("pollfd[1]", { { one:fd(), 1, 0 } }), nil, nil
            repeat
                C.poll(ready, 1, -1)
                done, result = one:step()
            until done
            same(tonumber(result.stdout), i)
            one:close()
        end
    end },
})
