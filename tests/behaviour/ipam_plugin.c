/* The plugin of ipam_plugin.py as a Windows program: it notes the call, and answers with the files beside it. */
#define UNICODE
#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { LONGEST = 1 << 21 };

static wchar_t folder[MAX_PATH];
static char input[LONGEST];

static void write_json(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void write_wide(FILE *out, const wchar_t *text, int length)
{
    static char bytes[LONGEST];
    write_json(out, bytes, (size_t)WideCharToMultiByte(CP_UTF8, 0, text, length, bytes, LONGEST, NULL, NULL));
}

static void note_the_call(void)
{
    wchar_t path[MAX_PATH];
    const char *separator = "";
    wchar_t *block = GetEnvironmentStringsW();
    size_t length = fread(input, 1, LONGEST, stdin);

    swprintf(path, MAX_PATH, L"%ls\\calls", folder);
    FILE *out = _wfopen(path, L"ab");
    if (!out)
        exit(99);
    fputs("{\"variables\": {", out);
    for (wchar_t *entry = block; *entry; entry += wcslen(entry) + 1) {
        wchar_t *equals = wcschr(entry, L'=');
        if (wcsncmp(entry, L"CNI_", 4) != 0 || !equals)
            continue;
        fputs(separator, out);
        write_wide(out, entry, (int)(equals - entry));
        fputs(": ", out);
        if (equals[1])
            write_wide(out, equals + 1, (int)wcslen(equals + 1));
        else
            fputs("\"\"", out);
        separator = ", ";
    }
    fputs("}, \"stdin\": ", out);
    write_json(out, input, length);
    fputs("}\n", out);
    fclose(out);
}

/* The text of one file beside the program; empty where there is none. */
static size_t told(const wchar_t *command, const wchar_t *kind, char *text)
{
    wchar_t path[MAX_PATH];
    swprintf(path, MAX_PATH, L"%ls\\%ls.%ls", folder, command, kind);
    FILE *file = _wfopen(path, L"rb");
    size_t length = file ? fread(text, 1, LONGEST - 1, file) : 0;
    text[length] = 0;
    if (file)
        fclose(file);
    return length;
}

static const wchar_t *beside(const wchar_t *name, const wchar_t *ending)
{
    static wchar_t path[MAX_PATH];
    swprintf(path, MAX_PATH, L"%ls\\%ls%ls", folder, name, ending);
    return path;
}

static void make(const wchar_t *path)
{
    FILE *file = _wfopen(path, L"wb");
    if (file)
        fclose(file);
}

/* What is told for one container alone goes before what is told for the command. */
static void choose_key(wchar_t *command, const wchar_t *container)
{
    wchar_t own[512], path[MAX_PATH];
    swprintf(own, 512, L"%ls-%ls", command, container);
    swprintf(path, MAX_PATH, L"%ls\\%ls.exit", folder, own);
    if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES)
        wcscpy(command, own);
}

int main(void)
{
    static char text[LONGEST];
    wchar_t command[512] = L"", container[256] = L"", verb[512];

    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    GetModuleFileNameW(NULL, folder, MAX_PATH);
    *wcsrchr(folder, L'\\') = 0;
    GetEnvironmentVariableW(L"CNI_COMMAND", command, 32);
    GetEnvironmentVariableW(L"CNI_CONTAINERID", container, 256);
    wcscpy(verb, command);
    note_the_call();
    choose_key(command, container);
    if (told(command, L"hang", text))
        Sleep(600000);
    while (told(command, L"hold", text))
        Sleep(10);
    if (!wcscmp(verb, L"ADD"))
        make(beside(L"reserved", L""));
    if (!wcscmp(verb, L"DEL"))
        DeleteFileW(beside(L"reserved", L""));
    make(beside(verb, L".done"));
    fwrite(text, 1, told(command, L"stderr", text), stderr);
    fwrite(text, 1, told(command, L"stdout", text), stdout);
    told(command, L"exit", text);
    return atoi(text);
}
