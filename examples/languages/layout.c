/*
 * The sizes, offsets and constants that bindings without a C compiler write down for themselves, as the header has
 * them. Each such binding has a program that prints what it believes; scripts/check-languages.py compares.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <qemu-fork.h>

#define OPTION(member) printf(" " #member "=%zu", offsetof(QemuSpawnOptions, member))
#define STATUS(member) printf(" " #member "=%zu", offsetof(QemuProcessStatus, member))
#define CONSTANT(name) printf(#name " %d\n", name)

int main(void)
{
    printf("QemuSpawnOptions %zu", sizeof(QemuSpawnOptions));
    OPTION(size);
    OPTION(flags);
    OPTION(executable);
    OPTION(cwd);
    OPTION(envp);
    OPTION(env_set);
    OPTION(env_unset);
    OPTION(fds);
    OPTION(n_fds);
    OPTION(signals);
    OPTION(ignored);
    OPTION(defaulted);
    OPTION(pgid);
    OPTION(umask);
    OPTION(uid);
    OPTION(gid);
    OPTION(groups);
    OPTION(n_groups);
    OPTION(rlimits);
    OPTION(n_rlimits);
    OPTION(death_signal);
    OPTION(failed_step);
    printf("\nQemuProcessStatus %zu", sizeof(QemuProcessStatus));
    STATUS(end);
    STATUS(exit_code);
    STATUS(term_signal);
    STATUS(core_dumped);
    printf("\n");
    CONSTANT(QEMU_SPAWN_SEARCH_PATH);
    CONSTANT(QEMU_SPAWN_PIPE_STDOUT);
    return 0;
}
