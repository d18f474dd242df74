/*
 * usage: helper --fd=SOCKET: opens a file that its parent may not open, here lines.txt, and sends the descriptor
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    char byte = 0;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    int fd = open("lines.txt", O_RDONLY), to;
    sigset_t mask;

    if (argc != 2 || sscanf(argv[1], "--fd=%d", &to) != 1 || fd < 0) {
        return 1;
    }
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (sigismember(&mask, SIGCHLD)) {
        fprintf(stderr, "helper: SIGCHLD is blocked, I would never hear of my children\n");
    }
    memset(&control, 0, sizeof(control));
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(to, &message, 0) == 1 ? 0 : 1;
}
