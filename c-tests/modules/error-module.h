/*
 * What the module of error-address.c has to offer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ERROR_MODULE_H
#define ERROR_MODULE_H

#include <qemu-fork/error.h>

struct error_module {
    Error **abort_address, **fatal_address;               /* as its code computes them */
    Error **const *static_abort, **const *static_fatal;   /* as its static initialisers have them */
    void (*fail)(Error **errp);                           /* sets an Error */
    void (*fail_at)(int which);                           /* with its own &error_abort (0) or &error_fatal (1) */
};

#endif /* ERROR_MODULE_H */
