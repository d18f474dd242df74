/*
 * Receives a descriptor from the other end of a socket, and prints the contents of the file. It is the same before and
 * after.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef RECEIVE_H
#define RECEIVE_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -1 if the other end is closed before there is one. */
static int receive_descriptor(int socket)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    int fd;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || message.msg_controllen == 0) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

static void show(int fd)
{
    char text[256];
    ssize_t n = read(fd, text, sizeof(text));

    while (n > 0 && write(STDOUT_FILENO, text, (size_t)n) > 0) {
        n = read(fd, text, sizeof(text));
    }
    close(fd);
}

#endif /* RECEIVE_H */
