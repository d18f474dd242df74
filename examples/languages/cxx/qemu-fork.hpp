/*
 * qemu-fork for C++17: ownership by RAII, times of std::chrono, and errors as exceptions of std::system_error's kind
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

namespace qemu {

using Status = QemuProcessStatus;
using Usage = QemuProcessUsage;
using std::chrono::milliseconds;

/* Why something failed: what() is the text, code() the errno, step() where a start failed. */
class SystemError : public std::system_error {
public:
    SystemError(std::string text, int number, QemuSpawnStep step = QEMU_SPAWN_STEP_NONE)
        : std::system_error(number, std::generic_category()), text_(std::move(text)), step_(step)
    {
    }
    const char *what() const noexcept override { return text_.c_str(); }
    QemuSpawnStep step() const noexcept { return step_; }

private:
    std::string text_;
    QemuSpawnStep step_;
};

/* A file that the child opens, as its user and in its working directory. */
struct File {
    int target;                                    /* the child's descriptor */
    std::string path;
    int flags = 0;                                 /* open()'s */
    QemuMode mode = 0666;                          /* with O_CREAT */
};

struct SpawnOptions {
    uint64_t flags = 0;                            /* QEMU_SPAWN_* */
    std::string cwd;                               /* "": the caller's */
    std::optional<std::vector<std::string>> env;   /* the whole environment, "NAME=value"; none: the caller's */
    std::vector<std::string> env_set;              /* "NAME=value" */
    std::vector<std::string> env_unset;            /* "NAME" */
    std::vector<File> files;
    std::vector<int> closed_fds;                   /* descriptors that the child does not have */
    std::optional<uid_t> uid;                      /* without our groups, unless keep_groups */
    bool keep_groups = false;
    std::optional<int> nice;                       /* the value itself, whatever ours is */
    bool clean_sched = false;                      /* an ordinary program, whatever we are */
    bool foreground = false;                       /* a job in the foreground of the terminal */
    std::optional<QemuFd> cgroup;                  /* an open directory of a cgroup2 */
    bool search_child_path = false;                /* PATH is the one of its own environment */
};

/* Takes the output: 1 for stdout or 2 for stderr, and bytes. false stops the program. */
using Sink = std::function<bool(int, std::string_view)>;

struct RunOptions : SpawnOptions {
    uint64_t run_flags = 0;                        /* QEMU_RUN_* */
    std::optional<std::string_view> input;         /* none: its stdin is /dev/null */
    bool check = false;                            /* an exit status other than 0 is an exception */
    std::optional<milliseconds> timeout;           /* none: for ever, as everything negative here */
    std::optional<milliseconds> grace;             /* between SIGTERM and SIGKILL; none: a second */
    std::optional<milliseconds> linger;            /* for those who hold its pipes after its end; none: 0.1 s */
    size_t stdout_limit = 0, stderr_limit = 0;     /* bytes; 0: 16 MiB; SIZE_MAX: no limit */
    Sink sink;                                     /* what it throws stops the program, and leaves run() */
};

/* What became of a program. */
struct Result {
    QemuRunEnd end = QEMU_RUN_END_NOT_STARTED;
    Status status = {};
    std::string out, err;
    uint64_t out_total = 0, err_total = 0;
    bool pipe_held = false;                        /* at the end another process still held its stdout or stderr */
    bool input_left = false;                       /* it has not read all of its input */
    Usage usage = {};
};

/* A program that was not started, or was stopped, or failed where that is an error. */
class RunError : public SystemError {
public:
    RunError(const SystemError &error, Result result) : SystemError(error), result_(std::move(result)) {}
    const Result &result() const noexcept { return result_; }

private:
    Result result_;
};

namespace detail {

template <auto function> struct Call {
    template <typename T> void operator()(T *pointer) const { function(pointer); }
};

/* What a call has said. Begin with the errno. */
inline SystemError system_error(int number, Error *err, QemuSpawnStep step = QEMU_SPAWN_STEP_NONE)
{
    const std::unique_ptr<Error, Call<error_free>> owner(err);
    return SystemError(error_get_pretty(err), number, step);
}

inline SystemError refused(const std::string &text)
{
    return SystemError(text, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS);
}

inline const char *c_string(const std::string &text, const char *what)
{
    if (text.find('\0') != std::string::npos) {
        throw refused(std::string(what) + " has a NUL: '" + text.c_str() + "'");
    }
    return text.c_str();
}

/* A list of addresses, ended by NULL, in the texts' own memory. */
inline std::vector<const char *> c_strings(const std::vector<std::string> &texts, const char *what)
{
    std::vector<const char *> list;

    list.reserve(texts.size() + 1);
    for (const std::string &text : texts) {
        list.push_back(c_string(text, what));
    }
    list.push_back(nullptr);
    return list;
}

/* The arguments of a start as C takes them; they point into the C++ ones. */
struct Request {
    Request(const std::vector<std::string> &arguments, const SpawnOptions &spawn)
        : argv(c_strings(arguments, "an argument")), env_set(c_strings(spawn.env_set, "a variable")),
          env_unset(c_strings(spawn.env_unset, "a variable"))
    {
        options.size = sizeof(options);
        options.flags = spawn.flags;
        options.failed_step = &step;
        options.env_set = env_set.data();
        options.env_unset = env_unset.data();
        if (spawn.env) {
            env = c_strings(*spawn.env, "a variable");
            options.envp = env.data();
        }
        if (!spawn.cwd.empty()) {
            options.cwd = c_string(spawn.cwd, "a directory");
        }
        for (const File &file : spawn.files) {
            files.push_back({file.target, c_string(file.path, "a file"), file.flags, file.mode});
        }
        options.files = files.data();
        options.n_files = files.size();
        for (const int fd : spawn.closed_fds) {
            fds.push_back({QEMU_SPAWN_FD_CLOSED, fd});
        }
        options.fds = fds.data();
        options.n_fds = fds.size();
        set(QEMU_SPAWN_SET_UID, spawn.uid, options.uid);
        set(QEMU_SPAWN_SET_NICE, spawn.nice, options.nice);
        set(QEMU_SPAWN_INTO_CGROUP, spawn.cgroup, options.cgroup_fd);
        options.flags |= (spawn.keep_groups ? QEMU_SPAWN_KEEP_GROUPS : 0) |
                         (spawn.clean_sched ? QEMU_SPAWN_CLEAN_SCHED : 0) |
                         (spawn.foreground ? QEMU_SPAWN_FOREGROUND : 0) |
                         (spawn.search_child_path ? QEMU_SPAWN_SEARCH_CHILD_PATH : 0);
    }
    Request(const Request &) = delete;
    Request &operator=(const Request &) = delete;

    template <typename T, typename Member> void set(uint64_t flag, const std::optional<T> &value, Member &member)
    {
        if (value) {
            options.flags |= flag;
            member = *value;
        }
    }

    std::vector<const char *> argv, env, env_set, env_unset;
    std::vector<QemuSpawnFile> files;
    std::vector<QemuSpawnFd> fds;
    QemuSpawnOptions options = {};
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
};

/* 0 is a default for a run, so "at once" is a millisecond. */
inline int64_t or_default(const std::optional<milliseconds> &time)
{
    return !time ? 0 : time->count() == 0 ? 1 : time->count();
}

/* C must not be unwound: what the sink throws waits here until C has returned. */
struct Receiver {
    const Sink &sink;
    std::exception_ptr thrown;

    static bool take(void *opaque, int child_fd, const char *data, size_t len) noexcept
    {
        Receiver *self = static_cast<Receiver *>(opaque);

        try {
            return self->sink(child_fd, std::string_view(data, len));
        } catch (...) {
            self->thrown = std::current_exception();
            return false;
        }
    }
};

/* A result of C, which is released whatever happens. */
struct OwnedResult {
    OwnedResult() { c.size = sizeof(c); }
    ~OwnedResult() { qemu_run_result_clear(&c); }
    OwnedResult(const OwnedResult &) = delete;
    OwnedResult &operator=(const OwnedResult &) = delete;

    Result copy() const
    {
        Result result;

        result.end = c.end;
        result.status = c.status;
        result.out.assign(c.out ? c.out : "", c.out_len);
        result.err.assign(c.err ? c.err : "", c.err_len);
        result.out_total = c.out_total;
        result.err_total = c.err_total;
        result.pipe_held = c.flags & QEMU_RUN_RESULT_PIPE_HELD;
        result.input_left = c.flags & QEMU_RUN_RESULT_INPUT_LEFT;
        result.usage = c.usage;
        return result;
    }

    QemuRunResult c = {};
};

} // namespace detail

/*
 * Runs a program to its end, or stops it when its time is up. It does not wait for another process that still has the
 * program's stdout. A program without a slash in its name is searched for in PATH.
 *
 * It returns if the program has ended by itself, so its output is complete. Otherwise it throws a RunError, which has
 * what there is of the result; or a SystemError if an argument has a NUL.
 */
inline Result run(const std::vector<std::string> &arguments, const RunOptions &options = {})
{
    detail::Request request(arguments, options);
    detail::OwnedResult result;
    detail::Receiver receiver = {options.sink, nullptr};
    QemuRunOptions run = {};
    Error *err = nullptr;

    request.options.flags |= options.search_child_path ? 0 : QEMU_SPAWN_SEARCH_PATH;
    run.size = sizeof(run);
    run.flags = options.run_flags | (options.check ? QEMU_RUN_CHECK : 0);
    if (options.input) {
        run.input = options.input->empty() ? "" : options.input->data();
        run.input_len = options.input->size();
    }
    run.stdout_limit = options.stdout_limit;
    run.stderr_limit = options.stderr_limit;
    run.timeout_ms = detail::or_default(options.timeout);
    run.grace_ms = detail::or_default(options.grace);
    run.linger_ms = detail::or_default(options.linger);
    if (options.sink) {
        run.sink = detail::Receiver::take;
        run.opaque = &receiver;
    }

    const bool good = qemu_run(request.argv.data(), &request.options, &run, &result.c, &err);
    const int number = errno;
    if (good) {
        return result.copy();
    }
    const SystemError error = detail::system_error(number, err, request.step);
    if (receiver.thrown) {
        std::rethrow_exception(receiver.thrown);
    }
    throw RunError(error, result.copy());
}

inline std::string to_string(const Status &status)
{
    const std::unique_ptr<char, detail::Call<std::free>> text(qemu_process_status_str(&status));

    return text ? text.get() : "has not ended";
}

/* Throws EIO unless it exited with status 0, and ECHILD if that is not known. The text names the program. */
inline void check(const Status &status, const std::string &what = "the program")
{
    Error *err = nullptr;

    if (!qemu_process_status_check(&status, detail::c_string(what, "a name"), &err)) {
        throw detail::system_error(errno, err);
    }
}

/*
 * A child. Any number of threads may use it at once. One that is closed, or was moved away, throws EBADF. A child that
 * still runs goes on when its Process is closed or destroyed, and so does a wait that another thread is in.
 */
class Process {
public:
    /* Takes the handle over. */
    explicit Process(std::shared_ptr<QemuProcess> handle) : state_(std::make_unique<State>())
    {
        state_->handle = std::move(handle);
    }

    /* A child that other code has started, and nobody has reaped. ECHILD: there is no such child. */
    static Process adopt(pid_t pid)
    {
        Error *err = nullptr;
        QemuProcess *handle = qemu_process_adopt(pid, &err);

        if (!handle) {
            throw detail::system_error(errno, err);
        }
        return Process(std::shared_ptr<QemuProcess>(handle, qemu_process_free));
    }

    pid_t pid() const { return qemu_process_pid(use().get()); }

    /* The pipe of its stdin (0), stdout (1) or stderr (2), which a flag asked for; the caller closes it. */
    int take_fd(int child_fd) const
    {
        const int fd = qemu_process_take_fd(use().get(), child_fd);

        if (fd < 0) {
            throw SystemError("there is no pipe of the child's descriptor " + std::to_string(child_fd), errno);
        }
        return fd;
    }

    /* How it ended; nothing where the time is up. Less than zero is for ever. Parts of a millisecond are rounded up. */
    template <typename Rep, typename Period>
    std::optional<Status> wait(std::chrono::duration<Rep, Period> timeout) const
    {
        const auto handle = use();
        Status status = {};
        Error *err = nullptr;
        const int64_t time = timeout < timeout.zero() ? -1 : std::chrono::ceil<milliseconds>(timeout).count();
        const int ended = qemu_process_wait(handle.get(), time, &status, &err);

        if (ended < 0) {
            throw detail::system_error(errno, err);
        }
        return ended ? std::optional<Status>(status) : std::nullopt;
    }

    Status wait() const { return *wait(milliseconds(-1)); }

    /* Sends a signal to the child, and never to another process. ESRCH: it has ended. */
    void kill(int signal) const
    {
        Error *err = nullptr;

        if (!qemu_process_kill(use().get(), signal, &err)) {
            throw detail::system_error(errno, err);
        }
    }

    /* Ends it: SIGTERM, and SIGKILL if it has not ended after so long. */
    Status stop(milliseconds grace) const
    {
        Status status = {};
        Error *err = nullptr;

        if (!qemu_process_stop(use().get(), grace.count(), &status, &err)) {
            throw detail::system_error(errno, err);
        }
        return status;
    }

    /* A second time does nothing. */
    void close() noexcept
    {
        if (state_) {
            const std::lock_guard<std::mutex> guard(state_->lock);
            state_->handle.reset();
        }
    }

private:
    struct State {
        std::mutex lock;
        std::shared_ptr<QemuProcess> handle;
    };

    /* Whoever has this may use the handle, though others close it meanwhile. */
    std::shared_ptr<QemuProcess> use() const
    {
        if (state_) {
            const std::lock_guard<std::mutex> guard(state_->lock);
            if (state_->handle) {
                return state_->handle;
            }
        }
        throw SystemError("the process is closed", EBADF);
    }

    std::unique_ptr<State> state_;
};

/* Starts a program, or throws a SystemError. */
inline Process spawn(const std::vector<std::string> &arguments, const SpawnOptions &options = {})
{
    detail::Request request(arguments, options);
    Error *err = nullptr;
    QemuProcess *handle = qemu_spawn(request.argv.data(), &request.options, &err);

    if (!handle) {
        throw detail::system_error(errno, err, request.step);
    }
    return Process(std::shared_ptr<QemuProcess>(handle, qemu_process_free));
}

} // namespace qemu
