/* The one program of a sandbox's image: it holds the sandbox's namespaces. */
#include <unistd.h>

int main(void)
{
    for (;;)
        pause();
}
