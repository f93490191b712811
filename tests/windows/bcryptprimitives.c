/* bcryptprimitives.dll: the one function that Rust programs take from it, which older Wine does not have. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *buffer, ULONG size); /* advapi32: RtlGenRandom */

BOOL WINAPI ProcessPrng(BYTE *buffer, SIZE_T size)
{
    return SystemFunction036(buffer, (ULONG)size);
}
