/*
 * A small program in the manner of QEMU: it has an Error API and a fork wrapper of its own, and is linked with the
 * library in host mode. What it has itself is in util.c and ../support/host-error.c, which QEMU has in libqemuutil.a.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <sys/types.h>

#include "../support/host-error.h"

pid_t qemu_fork(Error **errp);

/* Something else that the program wants of util.c, so that the linker cannot leave it out. */
bool is_even(int number);

/* Whether the program's own qemu_fork() has run. */
extern bool own_has_run;

#endif /* HOST_H */
