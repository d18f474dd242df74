/*
 * What a child inherits. A function that does less is faster, so this belongs to the times.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "worker.h"

enum { TOO_MANY = 20 };

void print_promises(const struct peer *peer)
{
    static const char *const nowhere[] = {"/nowhere/there-is-no-such-program", NULL};
    struct mailbox box = new_mailbox();
    const char *argv[] = {children.look, box.path, NULL};
    struct child child;
    sigset_t some, old;
    char text[128] = "";
    int fds[TOO_MANY];
    bool told;

    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &some, &old);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGRTMAX, SIG_IGN);
    for (int i = 0; i < TOO_MANY; i++) {
        fds[i] = open("/dev/null", O_RDONLY);
    }
    if (!peer->start(&child, argv) || peer->finish(&child) != 0 ||
        pread(box.fd, text, sizeof(text) - 1, 0) <= 0) {
        die(peer->name);
    }
    text[strcspn(text, "\n")] = '\0';
    /* A message on stderr of the child is for people. A program cannot use it. */
    int stderr_copy = fcntl(2, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(null, 2);
    told = !peer->start(&child, nowhere);
    if (!told) {
        peer->finish(&child);
    }
    dup2(stderr_copy, 2);
    close(stderr_copy);
    close(null);
    for (int i = 0; i < TOO_MANY; i++) {
        close(fds[i]);
    }
    close(box.fd);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGRTMAX, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("%s %s\n", text, told ? "told" : "untold");
}
