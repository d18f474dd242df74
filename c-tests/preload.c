/*
 * With LD_PRELOAD the library replaces a program's own qemu_fork(), if that is a dynamic symbol. argv[1] is the
 * program, argv[2] the library.
 *
 * SPDX-License-Identifier: MIT
 */
#include "child.h"
#include "sanitizer.h"

static void run(void *arg)
{
    char **argv = (char **)arg;

    execv(argv[0], argv);
    _exit(errno == ENOEXEC ? FOREIGN : 127);
}

int main(int argc, char **argv)
{
    char *program[] = {argv[1], NULL};
    struct ending ending;

    (void)argc;
    if (UNDER_ASAN) {
        skip_all("AddressSanitizer's own library must come first, so nothing can be preloaded");
    }
    unsetenv("LD_PRELOAD");
    ending = run_child(run, program);
    if (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == FOREIGN) {
        skip_all("the system does not run programs of this processor by itself");
    }
    exits_with(&ending, 2, "without LD_PRELOAD the program has its own qemu_fork()");
    setenv("LD_PRELOAD", argv[2], 1);
    ending = run_child(run, program);
    exits_with(&ending, 7, "with LD_PRELOAD it has the library's");
    if (IS_EMULATED) {
        skip("the loader has no complaint", "the emulator is told to preload the library as well, and cannot");
    } else {
        is_str(ending.text, "", "the loader has no complaint");
    }
    return done();
}
