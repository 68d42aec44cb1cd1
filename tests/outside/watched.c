// Loaded into every process of a test: what compiled code would send to the network is written down, and refused.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void tell(const char *what, const char *where) {
    const char *path = getenv("OUTSIDE_LOG");
    if (!path) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (file < 0) return;
    char line[512];
    int size = snprintf(line, sizeof line, "%s %s (process %d)\n", what, where ? where : "?", getpid());
    if (write(file, line, size)) {}
    close(file);
}
static int outside(const struct sockaddr *address) {
    return address && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    tell("getaddrinfo", node);
    return EAI_FAIL;
}
struct hostent *gethostbyname(const char *name) { tell("gethostbyname", name); return NULL; }
int connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real) real = dlsym(RTLD_NEXT, "connect");
    if (!outside(address)) return real(descriptor, address, size);
    tell("connect", "an address of the internet");
    errno = ENETUNREACH;
    return -1;
}
ssize_t sendto(int descriptor, const void *data, size_t count, int flags, const struct sockaddr *address, socklen_t size) {
    static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    if (!real) real = dlsym(RTLD_NEXT, "sendto");
    if (!outside(address)) return real(descriptor, data, count, flags, address, size);
    tell("sendto", "an address of the internet");
    errno = ENETUNREACH;
    return -1;
}
