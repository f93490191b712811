/* window.exe: nothing.exe, but that it would have a window: user32.dll is loaded with it. */
#include <windows.h>

int main(int count, char **arguments)
{
    (void)arguments;
    return count > 100 && MessageBeep(MB_OK);
}
