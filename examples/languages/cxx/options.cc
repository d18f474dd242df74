/*
 * What a program can be given, by spawn() and by run()
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "test.hpp"

using namespace std::string_literals;
using test::error_of;

/* What a program writes to its stdout. */
static std::string said(const std::vector<std::string> &arguments, const qemu::RunOptions &options)
{
    return qemu::run(arguments, options).out;
}

/* The step and the text of the exception for a program that cannot be started. */
static std::pair<QemuSpawnStep, std::string> failure(const qemu::SpawnOptions &options)
{
    try {
        qemu::spawn({"/bin/true"}, options).wait();
    } catch (const qemu::SystemError &error) {
        return {error.step(), error.what()};
    }
    return {QEMU_SPAWN_STEP_NONE, ""};
}

static std::string read(const std::string &path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

static void files()
{
    char folder[] = "/tmp/qemu-fork-cxx-XXXXXX";
    CHECK(mkdtemp(folder));
    qemu::SpawnOptions options, none;
    struct stat about = {};

    options.flags = QEMU_SPAWN_MERGE_STDERR;
    options.cwd = folder;
    options.files = {{0, "/proc/self/comm"}, {1, "log", O_WRONLY | O_CREAT | O_APPEND, 0640}};
    for (int i = 0; i < 2; i++) {
        qemu::spawn({"/bin/sh", "-c", "head -c 1 >/dev/null; echo oh >&2"}, options).wait();
    }
    CHECK(read(folder + "/log"s) == "oh\noh\n");
    CHECK(stat((folder + "/log"s).c_str(), &about) == 0 && (about.st_mode & 027) == 0);
    none.files = {{7, folder + "/none"s}};
    CHECK(failure(none).first == QEMU_SPAWN_STEP_FILES);
    CHECK(failure(none).second.find("as the child's descriptor 7: No such file") != std::string::npos);
    none.files = {{7, "a\0b"s}};
    CHECK(failure(none).first == QEMU_SPAWN_STEP_ARGUMENTS);
    std::filesystem::remove_all(folder);
}

static void closed_descriptors()
{
    qemu::SpawnOptions nothing, twice;

    twice.closed_fds = {7, 7};
    CHECK(failure(twice).first == QEMU_SPAWN_STEP_ARGUMENTS);
    nothing.closed_fds = {0};
    CHECK(qemu::to_string(qemu::spawn({"/bin/sh", "-c", "test ! -e /proc/self/fd/0"}, nothing).wait()) ==
          "exited with status 0");
}

static void the_path_of_the_child()
{
    qemu::RunOptions options;

    options.search_child_path = true;
    options.env = {"PATH=/bin"};
    CHECK(said({"echo", "hello"}, options) == "hello\n");
    options.env = {"PATH=/none"};
    CHECK(error_of([&] { qemu::run({"echo", "hello"}, options); }) == ENOENT);
    CHECK(error_of([&] { qemu::spawn({"echo", "hello"}, options); }) == ENOENT);
}

static void niceness()
{
    qemu::RunOptions options;

    options.nice = 19;
    CHECK(said({"nice"}, options) == "19\n");
    options.nice = 20;
    CHECK(error_of([&] { qemu::run({"nice"}, options); }) == EINVAL);
}

static void ordinary_scheduling()
{
    const char *path = "/proc/self/oom_score_adj";
    const std::string before = read(path);
    qemu::SpawnOptions options, clean;

    std::ofstream(path) << "200";
    options.files = {{1, "/dev/null", O_WRONLY}};
    clean = options;
    clean.clean_sched = true;
    const std::vector<std::string> is_zero = {"/bin/grep", "-x", "0", path};
    CHECK(qemu::to_string(qemu::spawn(is_zero, options).wait()) == "exited with status 1");
    CHECK(qemu::to_string(qemu::spawn(is_zero, clean).wait()) == "exited with status 0");
    std::ofstream(path) << before;
}

static void a_user()
{
    qemu::RunOptions options, kept;
    const bool root = geteuid() == 0;

    kept.keep_groups = true;
    CHECK(failure(kept).second == "cannot spawn: KEEP_GROUPS needs SET_UID");
    options.uid = kept.uid = root ? 65534 : geteuid();
    CHECK(said({"id", "-u"}, options) == std::to_string(*options.uid) + "\n");
    if (root) {
        const gid_t group = 4711;
        CHECK(setgroups(1, &group) == 0);
        CHECK(said({"id", "-G"}, options).find("4711") == std::string::npos);
        CHECK(said({"id", "-G"}, kept).find("4711") != std::string::npos);
        CHECK(setgroups(0, nullptr) == 0);
    }
}

static void the_foreground_without_a_terminal()
{
    qemu::SpawnOptions options;

    options.foreground = true;
    CHECK(error_of([&] { qemu::spawn({"/bin/true"}, options); }) == ENXIO);
    CHECK(failure(options).first == QEMU_SPAWN_STEP_TERMINAL);
}

static void a_cgroup_that_is_none()
{
    const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    qemu::SpawnOptions options;

    options.cgroup = fd;
    CHECK(error_of([&] { qemu::spawn({"/bin/true"}, options); }) == EBADF);
    CHECK(failure(options).first == QEMU_SPAWN_STEP_CGROUP);
    close(fd);
}

int main()
{
    test::run("options: files that the child opens", files);
    test::run("options: descriptors that the child does not have", closed_descriptors);
    test::run("options: the PATH of the child", the_path_of_the_child);
    test::run("options: niceness", niceness);
    test::run("options: ordinary scheduling", ordinary_scheduling);
    test::run("options: a user", a_user);
    test::run("options: the foreground without a terminal", the_foreground_without_a_terminal);
    test::run("options: a cgroup that is none", a_cgroup_that_is_none);
    return test::done();
}
