/*
 * Calls qemu_fork() and tells whose it was: "program" or "library"; and then what qemu_fork_version() says, if it is
 * there. What a program can find out without a call must agree with that.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

/* -- whose: in the guide, too, and the test compares them -- */
/* To ask for it must not make the linker take it, so the reference is weak. */
__attribute__((__weak__)) const char *qemu_fork_version(void);

/* Whether qemu_fork() is the library's: that both are in one file, this program or a shared library. */
static bool fork_is_the_librarys(void)
{
    Dl_info fork_info, version_info;

    return qemu_fork_version && dladdr((void *)qemu_fork, &fork_info) &&
           dladdr((void *)qemu_fork_version, &version_info) && fork_info.dli_fbase == version_info.dli_fbase;
}
/* -- end of whose -- */

int main(void)
{
    Error *err = NULL;
    int status = -1;
    pid_t pid = is_even(2) ? qemu_fork(&err) : -1;

    if (pid == 0) {
        _exit(7);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7) {
        return 1;
    }
    if (fork_is_the_librarys() == own_has_run) {
        printf("fork_is_the_librarys() is wrong\n");
        return 0;
    }
    printf("%s,%s\n", own_has_run ? "program" : "library",
           !qemu_fork_version                                 ? "none"
           : strstr(qemu_fork_version(), " (host-error)") ? "host-error"
                                                              : "provider");
    return 0;
}
