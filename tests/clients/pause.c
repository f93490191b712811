/* The one program of a sandbox's image: it holds the sandbox's namespaces. Without a C library, which a machine with
 * a compiler need not have; x86-64 only, as all of the lane. */

enum { PAUSE = 34 }; /* its number in https://man7.org/linux/man-pages/man2/syscalls.2.html */

void _start(void)
{
    for (;;) {
        long call = PAUSE;
        __asm__ volatile("syscall" : "+a"(call) : : "rcx", "r11", "memory");
    }
}
