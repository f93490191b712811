/* computer.exe WHAT ID ARGUMENTS...: a small client of computecore.dll, for the tests of its stand-in.
 *
 * One line per call: the HRESULT in hexadecimal and what came out. A line of an event begins with its name.
 */
#include <windows.h>
#include <computecore.h>
#include <objbase.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static HANDLE heard;

static HRESULT show(const char *what, HRESULT result, const wchar_t *text)
{
    printf("%s %08lX%s%ls\n", what, (unsigned long)result, text ? " " : "", text ? text : L"");
    fflush(stdout);
    return result;
}

/* What the operation has given when it has ended; both are closed and freed. */
static HRESULT finish(const char *what, HRESULT called, HCS_OPERATION operation)
{
    PWSTR document = NULL;
    HRESULT result = called;
    if (called == S_OK)
        result = HcsWaitForOperationResult(operation, INFINITE, &document);
    else
        HcsGetOperationResult(operation, &document);
    show(what, result, document);
    CoTaskMemFree(document);
    HcsCloseOperation(operation);
    return result;
}

static void WINAPI hear(HCS_EVENT *event, void *context)
{
    printf("event %X %ls %ls\n", event->Type, (wchar_t *)context, event->EventData ? event->EventData : L"NULL");
    fflush(stdout);
    ReleaseSemaphore(heard, 1, NULL);
}

static HCS_SYSTEM created(PCWSTR id, PCWSTR document)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    HCS_SYSTEM system = NULL;
    finish("create", HcsCreateComputeSystem(id, document, operation, NULL, &system), operation);
    return system;
}

typedef HRESULT(WINAPI *ASK)(HCS_SYSTEM, HCS_OPERATION, PCWSTR);

static HRESULT ask(const char *what, ASK function, void *object, PCWSTR options)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    return finish(what, function((HCS_SYSTEM)object, operation, options), operation);
}

static HRESULT modify(HCS_SYSTEM system, PCWSTR request)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    return finish("modify", HcsModifyComputeSystem(system, operation, request, NULL), operation);
}

static void enumerate(PCWSTR query)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    finish("enumerate", HcsEnumerateComputeSystems(query, operation), operation);
}

static void a_process(HCS_SYSTEM system)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    HCS_PROCESS process = NULL, again = NULL;
    HCS_PROCESS_INFORMATION information = {1, 1, heard, heard, heard};
    PWSTR status = NULL;
    HRESULT result = HcsCreateProcess(system, L"{\"CommandLine\":\"ping.exe -t\"}", operation, NULL, &process);
    if (result == S_OK)
        result = HcsWaitForOperationResultAndProcessInfo(operation, INFINITE, &information, NULL);
    HcsCloseOperation(operation);
    show("process", result, information.ProcessId > 1 && !information.StdOutput ? L"a pid, no pipe" : L"");
    show("listen", HcsSetProcessCallback(process, HcsEventOptionNone, L"ping", hear), NULL);
    show("open", HcsOpenProcess(system, information.ProcessId, GENERIC_ALL, &again), NULL);
    ask("terminate", (ASK)HcsTerminateProcess, again, NULL);
    WaitForSingleObject(heard, 30000);
    result = HcsWaitForProcessExit(process, INFINITE, &status);
    show("exit", result, status);
    CoTaskMemFree(status);
    HcsCloseProcess(again);
    HcsCloseProcess(process);
}

/* A process that writes what it reads: its output, after the end of its input. */
static void echoed(HCS_SYSTEM system, const char *text)
{
    HCS_OPERATION operation = HcsCreateOperation(NULL, NULL);
    HCS_PROCESS process = NULL;
    HCS_PROCESS_INFORMATION information = {0};
    char got[64] = "";
    DWORD size, at = 0;
    PCWSTR parameters = L"{\"CommandLine\":\"more\",\"CreateStdInPipe\":true,\"CreateStdOutPipe\":true}";
    HRESULT result = HcsCreateProcess(system, parameters, operation, NULL, &process);
    if (result == S_OK)
        result = HcsWaitForOperationResultAndProcessInfo(operation, INFINITE, &information, NULL);
    HcsCloseOperation(operation);
    show("piped", result, information.StdError ? L"errors that were not asked for" : L"input and output");
    WriteFile(information.StdInput, text, (DWORD)strlen(text), &size, NULL);
    CloseHandle(information.StdInput);
    while (ReadFile(information.StdOutput, got + at, (DWORD)sizeof got - 1 - at, &size, NULL) && size)
        at += size;
    CloseHandle(information.StdOutput);
    result = HcsWaitForProcessExit(process, INFINITE, NULL);
    show("exit", result, strcmp(got, text) ? L"another text" : L"the same text");
    HcsCloseProcess(process);
}

/* The largest of so many new handles: it grows with those that are open, for free numbers are used again from the
 * lowest on. Wine does not count handles. */
static uintptr_t highest_handle(void)
{
    enum { MANY = 64 };
    HANDLE made[MANY];
    uintptr_t highest = 0;
    for (int i = 0; i < MANY; i++) {
        made[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
        if ((uintptr_t)made[i] > highest)
            highest = (uintptr_t)made[i];
    }
    for (int i = 0; i < MANY; i++)
        CloseHandle(made[i]);
    return highest;
}

/* ID: processes with pipes leave no handle behind; what a thread has still to close, it closes. */
static void pipes(PCWSTR id)
{
    HCS_SYSTEM system = NULL;
    uintptr_t before;
    show("open", HcsOpenComputeSystem(id, GENERIC_ALL, &system), NULL);
    echoed(system, "first"); /* opens what the program keeps */
    before = highest_handle();
    for (int i = 0; i < 8; i++) /* more than what the first one has still open */
        echoed(system, "next");
    while (highest_handle() > before)
        Sleep(10);
    HcsCloseComputeSystem(system);
}

/* ID DOCUMENT MODIFICATION */
static void whole_life(wchar_t **words)
{
    HCS_SYSTEM system = created(words[0], words[1]);
    show("listen", HcsSetComputeSystemCallback(system, HcsEventOptionNone, L"box", hear), NULL);
    show("listen", HcsSetComputeSystemCallback(system, HcsEventOptionNone, L"box", hear), L"a second time");
    ask("start", HcsStartComputeSystem, system, NULL);
    ask("start", HcsStartComputeSystem, system, L"");
    ask("pause", HcsPauseComputeSystem, system, NULL);
    modify(system, words[2]);
    ask("properties", HcsGetComputeSystemProperties, system, L"{\"PropertyTypes\":[\"ProcessList\"]}");
    enumerate(L"{\"Owners\":[\"test\"]}");
    a_process(system);
    ask("shutdown", HcsShutDownComputeSystem, system, NULL);
    WaitForSingleObject(heard, 30000);
    ask("pause", HcsPauseComputeSystem, system, NULL);
    HcsCloseComputeSystem(system);
}

static void WINAPI completed(HCS_OPERATION operation, void *context)
{
    PWSTR document = NULL;
    HRESULT result = HcsGetOperationResult(operation, &document);
    show("completed", result, context);
    CoTaskMemFree(document);
    HcsCloseOperation(operation);
    ReleaseSemaphore(heard, 1, NULL);
}

static void told_of_the_end(void)
{
    HCS_OPERATION operation = HcsCreateOperation(L"context", completed);
    HcsEnumerateComputeSystems(NULL, operation);
    WaitForSingleObject(heard, 30000);
}

/* ID: a wait that has no end is given up. */
static void give_up(PCWSTR id)
{
    HCS_OPERATION operation = HcsCreateOperation(L"context", completed);
    HCS_SYSTEM system = NULL;
    show("open", HcsOpenComputeSystem(id, GENERIC_ALL, &system), NULL);
    show("result", HcsGetOperationResult(operation, NULL), L"not begun");
    show("terminate", HcsTerminateComputeSystem(system, operation, NULL), NULL);
    show("wait", HcsWaitForOperationResult(operation, 100, NULL), NULL);
    show("cancel", HcsCancelOperation(operation), NULL);
    HcsCloseOperation(operation);
    HcsCloseComputeSystem(system);
}

/* ID: until somebody else ends it. */
static void wait_for_exit(PCWSTR id)
{
    HCS_SYSTEM system = NULL;
    PWSTR status = NULL;
    HRESULT result;
    show("open", HcsOpenComputeSystem(id, GENERIC_ALL, &system), NULL);
    result = HcsWaitForComputeSystemExit(system, INFINITE, &status);
    show("exit", result, status);
    CoTaskMemFree(status);
    HcsCloseComputeSystem(system);
}

static void wrong_handles(PCWSTR id)
{
    HCS_SYSTEM system = NULL;
    show("open", HcsOpenComputeSystem(id, GENERIC_ALL, &system), NULL);
    show("get", HcsGetOperationResult((HCS_OPERATION)system, NULL), L"another kind");
    HcsCloseComputeSystem(system);
    HcsCloseComputeSystem(system);
    show("open", HcsOpenComputeSystem(id, GENERIC_ALL, NULL), L"no place for the handle");
}

static void service(void)
{
    PWSTR properties = NULL;
    HRESULT result = HcsGetServiceProperties(NULL, &properties);
    show("service", result, properties);
    CoTaskMemFree(properties);
}

int wmain(int count, wchar_t **words)
{
    const wchar_t *what = count > 1 ? words[1] : L"";
    heard = CreateSemaphoreW(NULL, 0, 100, NULL);
    if (!wcscmp(what, L"life"))
        whole_life(words + 2);
    else if (!wcscmp(what, L"completion"))
        told_of_the_end();
    else if (!wcscmp(what, L"give-up"))
        give_up(words[2]);
    else if (!wcscmp(what, L"exit"))
        wait_for_exit(words[2]);
    else if (!wcscmp(what, L"wrong"))
        wrong_handles(words[2]);
    else if (!wcscmp(what, L"pipes"))
        pipes(words[2]);
    else if (!wcscmp(what, L"service"))
        service();
    else if (!wcscmp(what, L"keep"))
        created(words[2], words[3]);
    else if (!wcscmp(what, L"hold")) {
        created(words[2], words[3]);
        /* Wine's server keeps the connection of a program that is killed within a call. */
        puts("held");
        fflush(stdout);
        Sleep(INFINITE);
    } else
        return 2;
    puts("done");
    return 0;
}
