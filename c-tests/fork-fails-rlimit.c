/* fork() fails because the user may have no more processes. Root is not bound by that, so root becomes nobody. */
#include "fork-fails.h"

enum { NOBODY = 65534 };

#ifdef __SANITIZE_ADDRESS__
/* The leak checker wants a thread of its own when the process exits, and here it cannot have one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static bool allow_no_process(void)
{
    const struct rlimit none = {0, 0};

    return (geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0) && setrlimit(RLIMIT_NPROC, &none) == 0;
}

static void arrange(int error)
{
    (void)error;
    if (!allow_no_process()) {
        _exit(97);
    }
}

static void try_it(void *arg)
{
    (void)arg;
    if (!allow_no_process()) {
        _exit(97);
    }
}

int main(void)
{
    struct ending ending = run_child(try_it, NULL);

    if (ending.status != 0) {
        skip_all("this process is root, but may not become another user");
    }
    check_failure("RLIMIT_NPROC", arrange, EAGAIN, "cannot fork child process");
    return done();
}
