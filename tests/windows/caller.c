/* caller.exe WHAT ARGUMENTS...: a small client of the stand-in DLLs, for their tests.
 *
 * Whatever is not ASCII is written \uXXXX, in the arguments and in what is printed: one line per call, the HRESULT in
 * hexadecimal and what came out.
 */
#include <windows.h>
#include <objbase.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

typedef void *OBJECT;
typedef void(WINAPI *NOTIFIED)(DWORD, void *, HRESULT, PCWSTR);

HRESULT WINAPI HcnEnumerateNetworks(PCWSTR, PWSTR *, PWSTR *);
HRESULT WINAPI HcnCreateNamespace(const GUID *, PCWSTR, OBJECT *, PWSTR *);
HRESULT WINAPI HcnOpenNamespace(const GUID *, OBJECT *, PWSTR *);
HRESULT WINAPI HcnQueryNamespaceProperties(OBJECT, PCWSTR, PWSTR *, PWSTR *);
HRESULT WINAPI HcnDeleteNamespace(const GUID *, PWSTR *);
HRESULT WINAPI HcnCloseNamespace(OBJECT);
HRESULT WINAPI HcnCloseEndpoint(OBJECT);
HRESULT WINAPI HcnRegisterServiceCallback(NOTIFIED, void *, OBJECT *);
HRESULT WINAPI HcnUnregisterServiceCallback(OBJECT);
HRESULT WINAPI HcnOpenService(OBJECT *, PWSTR *);
HRESULT WINAPI HcnCreateGuestNetworkService(const GUID *, PCWSTR, OBJECT *, PWSTR *);
HRESULT WINAPI HNSCall(PCWSTR, PCWSTR, PCWSTR, PWSTR *);

static void show(HRESULT result, const wchar_t *text)
{
    printf("%08lX ", (unsigned long)result);
    for (; text && *text; text++)
        printf(*text < 0x20 || *text > 0x7E ? "\\u%04x" : "%c", *text);
    puts("");
    fflush(stdout);
}

static wchar_t *unescaped(wchar_t *text)
{
    wchar_t *to = text;
    for (wchar_t *from = text; *from;) {
        if (from[0] == L'\\' && from[1] == L'u') {
            wchar_t digits[5] = {from[2], from[3], from[4], from[5], 0};
            *to++ = (wchar_t)wcstoul(digits, NULL, 16);
            from += 6;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return text;
}

/* A call that gives one text; both texts are freed. */
static void show_and_free(HRESULT result, PWSTR text, PWSTR record)
{
    show(result, text ? text : record);
    CoTaskMemFree(text);
    CoTaskMemFree(record);
}

static void enumerate(PCWSTR query)
{
    PWSTR found = (PWSTR)1, record = (PWSTR)1;
    HRESULT result = HcnEnumerateNetworks(query, &found, &record);
    show_and_free(result, found, record);
}

static void call_v1(wchar_t **words)
{
    PWSTR response = NULL;
    HRESULT result = HNSCall(words[0], words[1], words[2], &response);
    show_and_free(result, response, NULL);
}

static OBJECT namespace_made(void)
{
    OBJECT made = NULL;
    PWSTR record = NULL;
    HRESULT result = HcnCreateNamespace(NULL, L"{\"SchemaVersion\":{\"Major\":2,\"Minor\":0}}", &made, &record);
    show_and_free(result, NULL, record);
    return made;
}

static void open_missing(void)
{
    static const GUID guid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
    OBJECT opened = (OBJECT)1;
    PWSTR record = NULL;
    HRESULT result = HcnOpenNamespace(&guid, &opened, &record);
    show_and_free(result, NULL, record);
    show(HcnOpenNamespace(&guid, &opened, NULL), opened ? L"a handle" : L"NULL");
}

static void whole_life(void)
{
    OBJECT made = namespace_made();
    PWSTR found = NULL, record = NULL;
    HRESULT result = HcnQueryNamespaceProperties(made, L"", &found, &record);
    show_and_free(result, found, record);
    show(HcnCloseNamespace(made), NULL);
    show(HcnCloseNamespace(made), L"closed before");
    made = namespace_made();
    show(HcnCloseEndpoint(made), L"another kind");
    show(HcnCloseNamespace(made), NULL);
}

static void keep_everything(void)
{
    OBJECT made = namespace_made();
    PWSTR found = NULL;
    show(HcnQueryNamespaceProperties(made, L"", &found, NULL), L"kept");
}

static void free_twice(void)
{
    PWSTR found = NULL;
    HRESULT result = HcnEnumerateNetworks(L"", &found, NULL);
    CoTaskMemFree(found);
    show(result, NULL);
    CoTaskMemFree(found);
}

static HANDLE heard;

static void WINAPI hear(DWORD type, void *context, HRESULT status, PCWSTR data)
{
    printf("%lu %ls ", type, (wchar_t *)context);
    show(status, data);
    ReleaseSemaphore(heard, 1, NULL);
}

static void hear_a_namespace(void)
{
    OBJECT registration = NULL, made;
    heard = CreateSemaphoreW(NULL, 0, 100, NULL);
    show(HcnRegisterServiceCallback(hear, L"context", &registration), NULL);
    made = namespace_made();
    WaitForSingleObject(heard, 30000);
    show(HcnUnregisterServiceCallback(registration), L"unregistered");
    HcnCloseNamespace(made);
    HcnCloseNamespace(namespace_made());
}

static DWORD WINAPI many_calls(void *count)
{
    for (int i = 0; i < (int)(intptr_t)count; i++) {
        PWSTR found = NULL;
        if (HcnEnumerateNetworks(L"", &found, NULL) != S_OK)
            return 1;
        CoTaskMemFree(found);
    }
    return 0;
}

static void threads(int number, int count)
{
    HANDLE handles[64];
    DWORD failed = 0, code;
    LARGE_INTEGER begin, end, frequency;
    QueryPerformanceCounter(&begin);
    for (int i = 0; i < number; i++)
        handles[i] = CreateThread(NULL, 0, many_calls, (void *)(intptr_t)count, 0, NULL);
    for (int i = 0; i < number; i++) {
        WaitForSingleObject(handles[i], INFINITE);
        GetExitCodeThread(handles[i], &code);
        failed += code;
    }
    QueryPerformanceCounter(&end);
    QueryPerformanceFrequency(&frequency);
    printf("%lu failed, %lld microseconds a call\n", failed,
           (end.QuadPart - begin.QuadPart) * 1000000 / frequency.QuadPart / (number * count));
}

static void refused(void)
{
    OBJECT out = (OBJECT)1;
    PWSTR record = (PWSTR)1;
    HRESULT result = HcnOpenService(&out, &record);
    show(result, out || record ? L"something" : L"nothing");
    out = (OBJECT)1;
    result = HcnCreateGuestNetworkService(NULL, L"{}", &out, NULL);
    show(result, out ? L"something" : L"nothing");
    show(HcnEnumerateNetworks(L"", NULL, NULL), L"no place for the answer");
}

static int find_all(wchar_t **words, int count)
{
    wchar_t path[MAX_PATH];
    HMODULE library;
    UINT size = GetSystemDirectoryW(path, MAX_PATH);
    swprintf(path + size, MAX_PATH - size, L"\\%ls", words[0]);
    library = LoadLibraryExW(path, NULL, 0x800 /* LOAD_LIBRARY_SEARCH_SYSTEM32 */);
    if (!library)
        return printf("%ls: not there\n", path), 1;
    for (int i = 1; i < count; i++) {
        char name[128];
        snprintf(name, sizeof name, "%ls", words[i]);
        if (!GetProcAddress(library, name))
            printf("%s\n", name);
    }
    return 0;
}

int wmain(int count, wchar_t **words)
{
    const wchar_t *what = count > 1 ? words[1] : L"";
    for (int i = 2; i < count; i++)
        unescaped(words[i]);
    if (!wcscmp(what, L"exports"))
        return find_all(words + 2, count - 2);
    if (!wcscmp(what, L"enumerate"))
        enumerate(words[2]);
    else if (!wcscmp(what, L"hnscall"))
        call_v1(words + 2);
    else if (!wcscmp(what, L"missing"))
        open_missing();
    else if (!wcscmp(what, L"life"))
        whole_life();
    else if (!wcscmp(what, L"keep"))
        keep_everything();
    else if (!wcscmp(what, L"twice"))
        free_twice();
    else if (!wcscmp(what, L"listen"))
        hear_a_namespace();
    else if (!wcscmp(what, L"threads"))
        threads(_wtoi(words[2]), _wtoi(words[3]));
    else if (!wcscmp(what, L"refused"))
        refused();
    else
        return 2;
    puts("done");
    return 0;
}
