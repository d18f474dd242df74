/* What a child gets: its arguments, environment, directory, standard handles, and no other handle. */
#include "spawn.h"

enum { ROUNDS = 50 };

#define TEXT_UTF8 "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\xa6\x80"
static const wchar_t TEXT_WIDE[] = L"Gr\u00fc\u00dfe \u20ac \U0001f980";

static void put(DWORD which, const char *text)
{
    DWORD count;

    WriteFile(GetStdHandle(which), text, (DWORD)strlen(text), &count, NULL);
}

static bool is_there(DWORD which)
{
    HANDLE handle = GetStdHandle(which);

    return handle && handle != INVALID_HANDLE_VALUE && GetFileType(handle) != FILE_TYPE_UNKNOWN;
}

static void put_wide(const wchar_t *wide)
{
    char text[4096];

    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof(text), NULL, NULL);
    put(STD_OUTPUT_HANDLE, text);
}

static int spawned(void)
{
    int count;
    wchar_t **args = wide_arguments(&count);
    wchar_t text[4096];
    const wchar_t *what = args[1];

    if (wcscmp(what, L"exit") == 0) {
        return (int)wcstoul(args[2], NULL, 0);
    }
    if (wcscmp(what, L"text") == 0) {
        return count == 3 && wcscmp(args[2], TEXT_WIDE) == 0 ? 0 : 1;
    }
    if (wcscmp(what, L"copy") == 0) {
        char bytes[256];
        DWORD n;

        while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof(bytes) - 1, &n, NULL) && n) {
            bytes[n] = '\0';
            put(STD_OUTPUT_HANDLE, bytes);
        }
        put(STD_OUTPUT_HANDLE, ".");
        return 0;
    }
    if (wcscmp(what, L"both") == 0) {
        put(STD_OUTPUT_HANDLE, "o1 ");
        put(STD_ERROR_HANDLE, "e1 ");
        put(STD_OUTPUT_HANDLE, "o2 ");
        return 0;
    }
    if (wcscmp(what, L"there") == 0) {
        return is_there(STD_INPUT_HANDLE) | is_there(STD_OUTPUT_HANDLE) << 1 | is_there(STD_ERROR_HANDLE) << 2;
    }
    if (wcscmp(what, L"set-event") == 0) {
        return SetEvent((HANDLE)(uintptr_t)wcstoul(args[2], NULL, 0)) ? 1 : 0;
    }
    if (wcscmp(what, L"variable") == 0) {
        put_wide(GetEnvironmentVariableW(args[2], text, 4096) ? text : L"(none)");
        return 0;
    }
    if (wcscmp(what, L"variables") == 0) {
        for (const wchar_t *next = GetEnvironmentStringsW(); *next; next += wcslen(next) + 1) {
            if (*next != L'=') {
                put_wide(next);
                put(STD_OUTPUT_HANDLE, "\n");
            }
        }
        return 0;
    }
    if (wcscmp(what, L"cwd") == 0) {
        GetCurrentDirectoryW(4096, text);
        put_wide(text);
        return 0;
    }
    if (wcscmp(what, L"sleep") == 0) {
        Sleep(LONG_MS);
        return 0;
    }
    return 99;
}

static const QemuSpawnOptions PLAIN = {.size = sizeof(PLAIN)};

static void check_codes(void)
{
    static const char *const CODES[] = {"0", "3", "256", "0x7fffffff", "0x80000000", "0xbfffffff"};

    for (size_t i = 0; i < sizeof(CODES) / sizeof(*CODES); i++) {
        QemuProcessStatus status = finish(start(NULL, "exit", CODES[i], NULL));

        ok(status.end == QEMU_PROCESS_EXITED && status.exit_code == (int)strtoul(CODES[i], NULL, 0) &&
               status.term_signal == 0,
           "an exit code has 32 bits: %s", CODES[i]);
    }
}

/* A file that no child inherits. */
static HANDLE temporary(void)
{
    char folder[MAX_PATH], name[MAX_PATH];
    HANDLE file;

    GetTempPathA(MAX_PATH, folder);
    GetTempFileNameA(folder, "qf", 0, name);
    file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        bail("a temporary file");
    }
    return file;
}

static const char *content(HANDLE file)
{
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    return read_all((QemuFd)(intptr_t)file);
}

static void check_stdio(void)
{
    QemuSpawnOptions options = with_flags(QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDERR);
    QemuProcess *process = start(&options, "copy", NULL, NULL);
    HANDLE input = (HANDLE)qemu_process_take_fd(process, 0);
    QemuFd out = qemu_process_take_fd(process, 1);
    QemuSpawnFd fds[2];
    HANDLE file;
    DWORD flags = 1, count;

    ok(GetHandleInformation(input, &flags) && !(flags & HANDLE_FLAG_INHERIT), "no child inherits our end of a pipe");
    WriteFile(input, "hello", 5, &count, NULL);
    CloseHandle(input);
    is_str(read_all(out), "hello.", "pipes for stdin and stdout");
    errno = 0;
    ok(qemu_process_take_fd(process, 1) == -1 && errno == EBADF, "an end can be taken once");
    ok(qemu_process_take_fd(process, 3) == -1 && errno == EBADF, "there are three");
    is_str(read_all(qemu_process_take_fd(process, 2)), "", "a pipe for stderr");
    is_int(finish(process).exit_code, 0, "the child has seen the end of its input");

    options = with_flags(QEMU_SPAWN_NULL_STDIN);
    is_str(output(&options, "copy", NULL, NULL), ".", "NULL_STDIN has nothing to read");
    options = with_flags(QEMU_SPAWN_NULL_STDOUT | QEMU_SPAWN_PIPE_STDERR);
    process = start(&options, "both", NULL, NULL);
    is_str(read_all(qemu_process_take_fd(process, 2)), "e1 ", "NULL_STDOUT");
    finish(process);
    options = with_flags(QEMU_SPAWN_NULL_STDERR);
    is_str(output(&options, "both", NULL, NULL), "o1 o2 ", "NULL_STDERR");
    options = with_flags(QEMU_SPAWN_MERGE_STDERR);
    is_str(output(&options, "both", NULL, NULL), "o1 e1 o2 ", "MERGE_STDERR");

    options = with_flags(0);
    options.fds = fds;
    options.n_fds = 2;
    file = temporary();
    fds[0] = fds[1] = (QemuSpawnFd){.source = (QemuFd)(intptr_t)file, .target = 1};
    fds[1].target = 2;
    finish(start(&options, "both", NULL, NULL));
    is_str(content(file), "o1 e1 o2 ", "a handle for stdout and for stderr");
    file = temporary();
    options.n_fds = 1;
    options.flags = QEMU_SPAWN_MERGE_STDERR;
    fds[0].source = (QemuFd)(intptr_t)file;
    finish(start(&options, "both", NULL, NULL));
    is_str(content(file), "o1 e1 o2 ", "a handle for stdout, with MERGE_STDERR");
    file = temporary();
    options.flags = 0;
    WriteFile(file, "from a file", 11, &count, NULL);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    fds[0] = (QemuSpawnFd){.source = (QemuFd)(intptr_t)file, .target = 0};
    is_str(output(&options, "copy", NULL, NULL), "from a file.", "a handle for stdin");
    CloseHandle(file);
    fds[0].source = QEMU_SPAWN_FD_NULL;
    is_str(output(&options, "copy", NULL, NULL), ".", "FD_NULL");

    fds[0] = (QemuSpawnFd){.source = QEMU_SPAWN_FD_CLOSED, .target = 0};
    fds[1] = (QemuSpawnFd){.source = QEMU_SPAWN_FD_CLOSED, .target = 2};
    options.n_fds = 2;
    options.flags = QEMU_SPAWN_NULL_STDOUT;
    is_int(finish(start(&options, "there", NULL, NULL)).exit_code, 2, "FD_CLOSED: the child has only stdout");
    options.flags = QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_NULL_STDOUT | QEMU_SPAWN_NULL_STDERR;
    options.n_fds = 0;
    is_int(finish(start(&options, "there", NULL, NULL)).exit_code, 7, "three of NUL");
}

/* Another thread executes programs that inherit all handles. */
static volatile LONG stopped, others;

static DWORD WINAPI inherit_all(void *arg)
{
    STARTUPINFOA startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION made;
    char line[4 * MAX_PATH];

    (void)arg;
    snprintf(line, sizeof(line), "\"%s\" exit 0", self());
    while (!stopped) {
        if (CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made)) {
            WaitForSingleObject(made.hProcess, INFINITE);
            CloseHandle(made.hProcess);
            CloseHandle(made.hThread);
            InterlockedIncrement(&others);
        }
    }
    return 0;
}

static void check_handles(void)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof(inheritable), .bInheritHandle = TRUE};
    HANDLE event = CreateEventA(&inheritable, TRUE, FALSE, NULL), thread;
    QemuSpawnOptions options = with_flags(0);
    DWORD before, after;
    char number[32];
    int leaks = 0;

    snprintf(number, sizeof(number), "%lu", (unsigned long)(uintptr_t)event);
    finish(start(&options, "set-event", number, NULL));
    is_int(WaitForSingleObject(event, 0), WAIT_TIMEOUT, "a handle that may be inherited is not");
    options.flags = QEMU_SPAWN_LEAVE_FDS;
    finish(start(&options, "set-event", number, NULL));
    is_int(WaitForSingleObject(event, 0), WAIT_OBJECT_0, "with LEAVE_FDS it is");
    ResetEvent(event);

    options.flags = QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDIN;
    thread = CreateThread(NULL, 0, inherit_all, NULL, 0, NULL);
    for (int round = 0; round < ROUNDS || !others; round++) {
        finish(start(&options, "set-event", number, NULL));
        leaks += WaitForSingleObject(event, 0) != WAIT_TIMEOUT;
    }
    stopped = 1;
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    ok(leaks == 0, "nor while another thread executes programs that inherit all: %d rounds", ROUNDS);
    printf("# it has executed %ld\n", others);
    CloseHandle(event);

    GetProcessHandleCount(GetCurrentProcess(), &before);
    for (int round = 0; round < 10; round++) {
        const char *args[] = {"C:\\not\\there.exe", NULL};

        finish(start(&options, "exit", "0", NULL));
        qemu_spawn(args, &options, NULL);
    }
    GetProcessHandleCount(GetCurrentProcess(), &after);
    is_int(after, before, "no handle is left in this process, by spawns that work or fail");
}

static void check_environment(void)
{
    static const char *const SET[] = {"Qf_One=1", "qf_two=two", "QF_ONE=one " TEXT_UTF8, NULL};
    static const char *const UNSET[] = {"qf_GONE", NULL};
    static const char *const WHOLE[] = {"B=2", "a=1", "SystemRoot=C:\\windows", NULL};
    QemuSpawnOptions options = with_flags(0);

    SetEnvironmentVariableA("QF_GONE", "here");
    SetEnvironmentVariableA("QF_TWO", "before");
    is_str(output(&PLAIN, "variable", "QF_GONE", NULL), "here", "the parent's variables are the child's");
    options.env_set = SET;
    options.env_unset = UNSET;
    is_str(output(&options, "variable", "qf_one", NULL), "one " TEXT_UTF8, "the last of several counts; UTF-8");
    is_str(output(&options, "variable", "QF_TWO", NULL), "two", "names have no case");
    is_str(output(&options, "variable", "QF_GONE", NULL), "(none)", "nor in env_unset");
    ok(strcmp(output(&options, "variable", "SystemRoot", NULL), "(none)") != 0, "others stay");
    options = with_flags(0);
    options.envp = WHOLE;
    ok(strstr(output(&options, "variables", NULL, NULL), "a=1\nB=2\n") != NULL, "envp");
    ok(!strstr(output(&options, "variables", NULL, NULL), "QF_"), "envp is the whole");
    options = with_flags(QEMU_SPAWN_CLEAR_ENV);
    ok(!strstr(output(&options, "variables", NULL, NULL), "QF_"), "CLEAR_ENV");
    options.env_set = SET;
    is_str(output(&options, "variable", "qf_two", NULL), "two", "CLEAR_ENV with env_set");
    SetEnvironmentVariableA("QF_GONE", NULL);
    SetEnvironmentVariableA("QF_TWO", NULL);
}

static void check_programs(void)
{
    const char *args[] = {"cmd", "/c", "exit 5", NULL};
    QemuSpawnOptions options = with_flags(QEMU_SPAWN_SEARCH_PATH);
    QemuProcessStatus status = {.end = QEMU_PROCESS_RUNNING};
    char folder[MAX_PATH * 3], variable[MAX_PATH * 3 + 8], name[MAX_PATH], relative[MAX_PATH + 2];
    static char parents[32768];
    const char *set[] = {variable, NULL};
    Error *err = NULL;
    char *end;

    is_int(qemu_spawn_sync(args, &options, LONG_MS, &status, &err), 0, "SEARCH_PATH finds a program by PATHEXT");
    is_int(status.exit_code, 5, "and it was that");
    args[0] = "cmd.exe";
    is_int(qemu_spawn_sync(args, &options, LONG_MS, &status, &err), 0, "and by its whole name");

    /* This program, by its folder. */
    strcpy(folder, self());
    end = strrchr(folder, '\\');
    strcpy(name, end + 1);
    *end = '\0';
    *strrchr(name, '.') = '\0';
    snprintf(variable, sizeof(variable), "PATH=;C:\\not\\there;\"%s\"", folder);
    args[0] = name;
    args[1] = "exit";
    args[2] = "6";
    /* Not in the parent's PATH, which may have this folder. */
    GetEnvironmentVariableA("PATH", parents, sizeof(parents));
    SetEnvironmentVariableA("PATH", "C:\\windows");
    refused(args, &options, ENOENT, QEMU_SPAWN_STEP_EXEC, "cannot execute '");
    SetEnvironmentVariableA("PATH", parents);
    options = with_flags(QEMU_SPAWN_SEARCH_CHILD_PATH);
    options.env_set = set;
    is_int(qemu_spawn_sync(args, &options, LONG_MS, &status, &err), 0, "SEARCH_CHILD_PATH");
    is_int(status.exit_code, 6, "and it was that");

    /* By a path that begins at the child's directory. */
    options = with_flags(0);
    options.cwd = folder;
    snprintf(relative, sizeof(relative), ".\\%s.exe", name);
    args[0] = relative;
    is_int(qemu_spawn_sync(args, &options, LONG_MS, &status, &err), 0, "a relative path begins at cwd");
    is_int(status.exit_code, 6, "and it was that");
    options.executable = self();
    args[0] = "another name";
    is_int(qemu_spawn_sync(args, &options, LONG_MS, &status, &err), 0, "executable");
    is_int(status.exit_code, 6, "and it was that");
    is_str(output(&options, "cwd", NULL, NULL), folder, "cwd");
    error_free(err);
}

static void check_sync(void)
{
    const char *args[] = {self(), "sleep", NULL};
    QemuProcessStatus status = {.end = QEMU_PROCESS_RUNNING};
    Error *err = NULL;
    char expected[4 * MAX_PATH];
    int result;

    errno = 0;
    result = qemu_spawn_sync(args, NULL, 50, &status, &err);
    is_int(errno, ETIMEDOUT, "a program that takes too long is killed");
    snprintf(expected, sizeof(expected), "did not end within 50 ms and was killed");
    ok(err && strstr(error_get_pretty(err), expected), "its message");
    ok(result == -1 && status.end == QEMU_PROCESS_SIGNALED && status.term_signal == KILL && status.exit_code == 0,
       "its status");
    error_free(err);
    args[1] = "text";
    {
        const char *const text[] = {self(), "text", TEXT_UTF8, NULL};

        is_int(qemu_spawn_sync(text, NULL, LONG_MS, &status, NULL), 0, "a text of UTF-8");
        is_int(status.exit_code, 0, "arrives");
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return spawned();
    }
    check_codes();
    check_stdio();
    check_handles();
    check_environment();
    check_programs();
    check_sync();
    return done();
}
