/* child.exe: does what the variable MODE says. */
#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Itself once more, with the same pipes. */
static void start(const char *mode)
{
    char path[MAX_PATH];
    PROCESS_INFORMATION other;
    STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};

    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    GetModuleFileNameA(NULL, path, MAX_PATH);
    SetEnvironmentVariableA("MODE", mode);
    if (!CreateProcessA(path, NULL, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &other))
        exit(77);
}

int main(void)
{
    static char block[1 << 16];
    const char *mode = getenv("MODE");
    size_t length;

    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    if (!strcmp(mode, "echo")) {
        while ((length = fread(block, 1, sizeof block, stdin)) > 0)
            fwrite(block, 1, length, stdout);
        fputs("no", stderr);
        return 3;
    }
    if (!strcmp(mode, "sleep"))
        Sleep(600000);
    if (!strcmp(mode, "leave")) {
        start("sleep");
        fputs("yes", stdout);
        return 0;
    }
    if (!strcmp(mode, "hang")) {
        start("sleep");
        Sleep(600000);
    }
    while (!strcmp(mode, "flood"))
        fwrite(block, 1, sizeof block, stdout);
    return 9;
}
